import type { BuildResult } from '../build-types.ts';
import { DockerfileError } from '../dockerfile/errors.ts';
import { errorMessage, stableCode, TsbuildError } from '../errors.ts';
import type { Definition } from '../llb/index.ts';
import type { Digest } from '../oci/index.ts';
import { ifDefined } from './fields.ts';
import type { ValueHider } from './secret-values.ts';
import type { BuildRecord, RecordedError, RecordedStep, StepCounts } from './types.ts';

export type BuildOutcome =
  | { readonly result: Pick<BuildResult, 'imageID' | 'names' | 'descriptor'> }
  | { readonly error: unknown; readonly canceled: boolean };

/** How a build ended, as its record tells it. */
export function describeOutcome(outcome: BuildOutcome, hider: ValueHider): Partial<BuildRecord> {
  if ('result' in outcome) {
    const { imageID, names, descriptor } = outcome.result;
    return {
      status: 'completed',
      outputs: { names, ...ifDefined('imageID', imageID), ...ifDefined('descriptor', descriptor) },
    };
  }
  const { error, canceled } = outcome;
  return canceled ? { status: 'canceled' } : { status: 'error', error: describeError(error, hider) };
}

/** With what was printed of it, since its Dockerfile may be another one when somebody looks. */
function describeError(error: unknown, hider: ValueHider): RecordedError {
  const { step, output, line, column, file } = error instanceof TsbuildError ? error.details : {};
  const text = (value: unknown): string | undefined =>
    typeof value === 'string' && value !== '' ? hider.mask(value) : undefined;
  return {
    message: hider.mask(errorMessage(error)),
    ...ifDefined('code', stableCode(error)),
    ...ifDefined('hint', text(error instanceof TsbuildError ? error.hint : undefined)),
    ...ifDefined('step', text(step)),
    ...ifDefined('output', text(output)),
    ...(typeof line === 'number' && typeof column === 'number'
      ? { place: { file: text(file) ?? 'Dockerfile', line, column } }
      : {}),
    ...ifDefined('frame', text(error instanceof DockerfileError ? error.frame : undefined)),
  };
}

/** One that failed has ended; what was still to come when a build failed counts among all. */
export function countSteps(
  steps: readonly RecordedStep[],
  definitions: readonly Definition[],
  outcome: BuildOutcome,
): StepCounts {
  const counts = { total: 0, completed: 0, executed: 0, cached: 0 };
  const begun = new Set<Digest>();
  for (const { digest, startedMs, completedMs, cached, error } of steps) {
    if (startedMs === undefined) continue;
    begun.add(digest);
    counts.total++;
    if (completedMs === undefined) continue;
    counts.completed++;
    if (error === undefined && isWork(digest, definitions)) counts[cached ? 'cached' : 'executed']++;
  }
  if ('error' in outcome) counts.total += listShown(definitions).filter((digest) => !begun.has(digest)).length;
  return counts;
}

/** What displays would show of graphs. */
function listShown(definitions: readonly Definition[]): readonly Digest[] {
  const all = definitions.flatMap(({ ops }) => [...ops].filter(([, { type }]) => type !== 'merge'));
  return [...new Set(all.map(([digest]) => digest))];
}

/** Not a source, which is looked at each time, nor the builder's own. */
export function isWork(digest: Digest, definitions: readonly Definition[]): boolean {
  const type = definitions.find(({ ops }) => ops.has(digest))?.ops.get(digest)?.type;
  return type === 'exec' || type === 'file';
}
