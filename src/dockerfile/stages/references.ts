import { errorMessage, stableCode } from '../../errors.ts';
import { parseReference, parseTaggedReference } from '../../oci/index.ts';
import { suggest } from '../../suggest.ts';
import { DockerfileError, didYouMean, syntaxError } from '../errors.ts';
import type { FromInstruction } from '../instructions/index.ts';
import { clip } from '../text.ts';
import { SCRATCH } from './global-args.ts';
import type { BuildStage } from './types.ts';

const MAX_SHOWN = 100;

/**
 * A stage can be replaced by a context of its name, and such a name is an image's: BuildKit refuses a stage whose name is none, with
 * or without a context. Throws `DOCKERFILE_SYNTAX`.
 */
export function checkStageName({ stageName, node }: FromInstruction): void {
  if (stageName === undefined || isReference(stageName)) return;
  throw syntaxError(
    `invalid stage name ${JSON.stringify(clip(stageName, MAX_SHOWN))}: it must have the form of an image's name`,
    node.args[2]?.range ?? node.range,
    'it is at most 237 characters long, ends with a letter or digit, and between those stand one ".", one or two "_", or any number of "-"',
  );
}

/** Every image that FROM or `--from` names, also in stages that are not built, must be a reference. Throws `REFERENCE_INVALID`. */
export function checkImageNames(stages: readonly BuildStage[], stageNames: Iterable<string>): void {
  for (const stage of stages) {
    if (stage.replaced || stage.base !== undefined || stage.baseName === SCRATCH) continue;
    try {
      parseTaggedReference(stage.baseName);
    } catch (error) {
      throw explainBaseError(error, stage, stageNames);
    }
  }
}

/** Whether an image could have this name. */
export function isReference(name: string): boolean {
  try {
    parseReference(name);
    return true;
  } catch {
    return false;
  }
}

/** Why the base of a stage cannot be had, with one of `names` that may have been meant. */
export function explainBaseError(error: unknown, stage: BuildStage, names: Iterable<string>): DockerfileError {
  // One of that very name is there: the error is about what stands behind it.
  const near = didYouMean(
    suggest(
      stage.baseName,
      [...names].filter((name) => name !== stage.baseName),
    ),
  );
  const hint = near ?? (error instanceof Error && 'hint' in error ? error.hint : undefined);
  // A bare name after --from is more often a stage that was meant than an image.
  const isBareFrom = stage.index === undefined && /^[\w-]+$/.test(stage.baseName);
  const what = isBareFrom ? `${stage.baseName} is no stage of this file, and as an image` : stage.baseName;
  return new DockerfileError(stableCode(error) ?? 'DOCKERFILE_STAGE', `${what}: ${errorMessage(error)}`, {
    cause: error,
    range: stage.baseRange,
    ...(typeof hint === 'string' ? { hint } : {}),
  });
}
