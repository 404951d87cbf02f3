import type { Platform } from '../../oci/index.ts';
import { suggest } from '../../suggest.ts';
import { didYouMean, stageError } from '../errors.ts';
import type { SourceRange } from '../position.ts';
import { SCRATCH } from './global-args.ts';
import type { BuildStage, ContextFinder } from './types.ts';

/** How names of `--build-context` and of stages are looked up. */
export interface ContextScope {
  readonly byName: ReadonlyMap<string, BuildStage>;
  readonly findContext: ContextFinder | undefined;
  readonly targetPlatform: Platform;
}

/** The stage that `--build-context name=target:<stage>` means. Throws `DOCKERFILE_STAGE` when the file has none of that name. */
export function findContextStage(
  { byName, findContext, targetPlatform }: ContextScope,
  name: string,
  platform: Platform | undefined,
  range: SourceRange,
): BuildStage | undefined {
  const context = findContext?.(name, platform ?? targetPlatform);
  if (context?.type !== 'stage' || context.name === undefined) return undefined;
  const stage = byName.get(context.name);
  if (stage !== undefined) return stage;
  throw stageError(
    `the build context ${name} is target:${context.name}, and the file has no stage of that name`,
    range,
    didYouMean(suggest(context.name, byName.keys())),
  );
}

/** Gives the stages that start from such a context their base. They may stand before it in the file. */
export function linkContextBases(scope: ContextScope, stages: readonly BuildStage[]): void {
  if (scope.findContext === undefined) return;
  for (const stage of stages) {
    if (stage.base !== undefined || (!stage.replaced && stage.baseName === SCRATCH)) continue;
    const name = stage.replaced ? stage.name : stage.baseName;
    stage.base = findContextStage(scope, name, stage.platform, stage.baseRange);
    if (stage.base !== undefined && !stage.replaced) stage.stepCount -= 1;
  }
}
