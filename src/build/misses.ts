import type { BuildResult } from '../build-types.ts';
import { TsbuildError } from '../errors.ts';
import { type BuildRecorder, type ExecutedStep, stageOf } from '../history/index.ts';
import { suggest } from '../suggest.ts';

/** Stages that are not to run again: `true` is all of them. */
type MissStages = true | readonly string[];

export interface MissGuard {
  /** Throws a `CacheMissedError` when a step of these stages ran. */
  refuse(recorder: Pick<BuildRecorder, 'listExecuted'>, result: BuildResult): void;
}

/** `CACHE_MISSED`: the build is done all the same, and this is what it gave. */
export class CacheMissedError extends TsbuildError {
  readonly result: BuildResult;

  constructor(missed: readonly ExecutedStep[], result: BuildResult) {
    const [first] = missed;
    const more = missed.length > 1 ? ` and ${missed.length - 1} more` : '';
    super('CACHE_MISSED', `not from the cache: ${first?.name ?? ''}${more}`, {
      hint: `the build is done, outputs and all; 'tsbuild builds inspect --explain ${result.id}' says why these steps ran`,
      details: { build: result.id, steps: missed.length, step: first?.name ?? '' },
    });
    this.result = result;
  }
}

/**
 * Made before any step runs: a name that no stage has would let everything pass. `known` are the names of all stages, in order. Throws
 * `DOCKERFILE_STAGE`.
 */
export function createMissGuard(stages: MissStages, known: readonly string[]): MissGuard {
  const watched = stages === true ? undefined : new Set(stages.map((stage) => findStage(stage, known)));
  return {
    refuse(recorder, result) {
      const isWatched = ({ name }: ExecutedStep): boolean =>
        watched === undefined || watched.has(stageName(name, known) ?? '');
      const missed = recorder.listExecuted().filter(isWatched);
      if (missed.length > 0) throw new CacheMissedError(missed, result);
    },
  };
}

/** The stage's name; its number stands for it where it has none, as in `--target`. */
function findStage(stage: string, known: readonly string[]): string {
  const name = known.find((candidate) => candidate.toLowerCase() === stage.toLowerCase()) ?? known[numberOf(stage)];
  if (name !== undefined) return name;
  const near = suggest(stage, known);
  throw new TsbuildError(
    'DOCKERFILE_STAGE',
    `there is no stage ${JSON.stringify(stage)} whose steps could miss the cache`,
    {
      hint: near === undefined ? `stages are ${known.join(', ')}` : `did you mean ${near}?`,
      details: { stage },
    },
  );
}

function numberOf(stage: string): number {
  return /^\d+$/.test(stage) ? Number(stage) : -1;
}

/** Progress calls the third stage `stage-2` where it has no name, and leaves out that of a file's only stage. */
function stageName(step: string, known: readonly string[]): string | undefined {
  const shown = stageOf(step);
  if (shown === undefined) return undefined;
  if (shown === '') return known[0];
  return known.includes(shown) ? shown : /^stage-(\d+)$/.exec(shown)?.[1];
}
