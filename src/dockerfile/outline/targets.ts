import { stageError } from '../errors.ts';
import { toLocation } from './location.ts';
import { readStages } from './read.ts';
import type { TargetList } from './types.ts';

/** The stages of a Dockerfile, in file order. Throws a `DockerfileError`. */
export function listStages(source: string): TargetList {
  const { stages } = readStages(source);
  if (stages.length === 0)
    throw stageError('the Dockerfile has no stage to build', undefined, 'a stage begins with FROM');
  return {
    targets: stages.map(({ from }, index) => ({
      ...(from.stageName === undefined ? {} : { name: from.stageName }),
      ...(index === stages.length - 1 ? { default: true } : {}),
      ...(from.description === undefined ? {} : { description: from.description }),
      base: from.base.value,
      ...(from.platform === undefined ? {} : { platform: from.platform.value }),
      location: toLocation(from.node.range),
    })),
    sources: [Buffer.from(source).toString('base64')],
  };
}
