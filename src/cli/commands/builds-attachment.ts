import { pipeline } from 'node:stream/promises';
import { TsbuildError } from '../../errors.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { builderOption } from '../flags/unsupported.ts';
import { formatJson } from '../format/json.ts';
import { usageError } from '../usage-errors.ts';

const TYPES = ['dockerfile', 'explanation', 'log', 'record', 'steps'] as const;
/** What BuildKit attaches to images. */
const ATTESTATIONS = ['provenance', 'provenancedocument', 'sbom'];

interface AttachmentFlags {
  readonly type?: string;
}

export const command: CommandSpec<AttachmentFlags> = {
  name: 'builds attachment',
  usage: '--type TYPE [BUILD]',
  summary: 'Print one thing that is kept of a build, as it was',
  notes: "What 'tsbuild builds export' puts together. There are no attestations (provenance, sbom).",
  examples: [
    'tsbuild builds attachment --type dockerfile           the Dockerfile of the last build, values of secrets masked',
    'tsbuild builds attachment --type steps ^1 | jq .      steps with times, and what their keys were made of',
    'tsbuild buildx history inspect attachment --type log',
  ],
  options: [{ flags: '--type <type>', description: `Which: ${TYPES.join(', ')}`, suggests: TYPES }, builderOption()],
  minArgs: 0,
  maxArgs: 1,
  completes: 'build',
  run,
};

async function run(context: Context, [reference = '']: readonly string[], { type }: AttachmentFlags): Promise<void> {
  const known = TYPES.find((name) => name === type);
  if (known === undefined) throw refuseType(type);
  const library = await context.library();
  const options = libraryOptions(context);
  const printJson = (value: object): void => void context.stdout.write(`${formatJson(value, 2)}\n`);
  if (known === 'log') {
    const { log } = await library.readBuildLog(reference, options);
    return pipeline(log, context.stdout, { end: false, signal: context.signal });
  }
  if (known === 'explanation') return printJson(await library.explainBuild(reference, options));
  const { record, steps, dockerfileText } = await library.inspectBuild(reference, options);
  if (known === 'record') return printJson(record);
  if (known === 'steps') return printJson(steps);
  if (dockerfileText === undefined) throw noDockerfile(record.id);
  context.stdout.write(dockerfileText);
}

function refuseType(type: string | undefined): Error {
  const types = `types are ${TYPES.join(', ')}`;
  if (type === undefined) return usageError('--type is needed: which thing to print', types);
  if (ATTESTATIONS.includes(type.toLowerCase()))
    return usageError(`builds have no ${type}: no attestations are made`, types);
  return usageError(`builds have nothing of the type ${JSON.stringify(type)}`, types);
}

/** It failed before there was a graph, or was killed. */
function noDockerfile(id: string): TsbuildError {
  return new TsbuildError('BUILD_INCOMPLETE', `the record of build ${id} has no Dockerfile`, {
    hint: "'tsbuild builds inspect' shows what is known of it",
    details: { id },
  });
}
