import { errorCode, errorMessage } from '../errors.ts';
import type { BuildRecorder } from '../history/recorder.ts';
import type { Digest } from '../oci/index.ts';
import type { ProgressSink, VertexStatus } from '../progress/events.ts';
import type { SolveObserver, Vertex } from '../solver/types.ts';
import { createReporter } from './phases.ts';

/** What BuildKit says of a step that was ended because another failed; displays know it. */
const CANCELED = 'context canceled';

/** What is known of a solve when it has ended. */
export interface SolveSummary {
  /** Steps that ran. */
  executed: number;
  /** Steps whose result was there. */
  cached: number;
  /** The step that an error came from, by the error; the first is what the solve failed with. */
  readonly failures: Map<unknown, { readonly digest: Digest; readonly name: string }>;
}

/**
 * Shows a solve as progress events. Sources count neither as executed nor as cached: they are looked at each time. Of hidden
 * vertices (shown in an earlier solve of the build, or parts of another step) only a failure is shown. Keys go to the build's record.
 */
export function createObserver<R>(
  sink: ProgressSink,
  summary: SolveSummary,
  isStep: (vertex: Digest) => boolean,
  hidden: ReadonlySet<Digest> = new Set(),
  recorder?: Pick<BuildRecorder, 'keyed' | 'completed'>,
): SolveObserver<R> {
  const startedMs = new Map<Digest, number>();
  /** And whether they were cached: what is fetched of such a one later does not make it one that ran. */
  const completed = new Map<Digest, boolean>();
  /** Those that were completed and go on. */
  const resumedMs = new Map<Digest, number>();
  const status = (vertex: Vertex<R>): VertexStatus => ({
    digest: vertex.digest,
    name: vertex.name,
    inputs: vertex.inputs.map((edge) => edge.vertex.digest),
    startedMs: startedMs.get(vertex.digest) ?? Date.now(),
  });
  const again = (vertex: Vertex<R>): VertexStatus => ({
    ...status(vertex),
    ...(completed.get(vertex.digest) ? { cached: true } : {}),
  });
  const start = (vertex: Vertex<R>): void => {
    if (hidden.has(vertex.digest)) return;
    if (!startedMs.has(vertex.digest)) startedMs.set(vertex.digest, Date.now());
    sink({ vertexes: [status(vertex)] });
  };
  return {
    keyed: (vertex, keys) => recorder?.keyed(vertex, keys),
    started: start,
    completed(vertex, { cached, origin, error }) {
      completed.set(vertex.digest, cached);
      if (origin !== undefined) recorder?.completed(vertex, origin);
      if (hidden.has(vertex.digest) && error === undefined) return;
      if (error !== undefined) {
        // The first to fail ends the others, and they end with its error: of theirs nothing is to be said, unless they had failed before
        // they could be ended.
        const isOwn =
          summary.failures.size === 0 || (errorCode(error) === 'BUILD_RUN_FAILED' && !summary.failures.has(error));
        if (isOwn) summary.failures.set(error, { digest: vertex.digest, name: vertex.name });
        const text = isOwn ? errorMessage(error) : CANCELED;
        sink({ vertexes: [{ ...status(vertex), completedMs: Date.now(), cached, error: text }] });
        return;
      }
      if (isStep(vertex.digest)) summary[cached ? 'cached' : 'executed']++;
      sink({ vertexes: [{ ...status(vertex), completedMs: Date.now(), cached }] });
    },
    reporter(vertex) {
      const reporter = createReporter(sink, vertex.digest);
      // A source is looked up, and perhaps downloaded, before it is known whether the step has to run.
      const show = (): void => {
        if (!startedMs.has(vertex.digest)) start(vertex);
      };
      return {
        log(stream, data) {
          show();
          reporter.log(stream, data);
        },
        task(id, current, total, isDone) {
          show();
          // A directory is there at once, and read when the steps that need it look at it: it goes on for them.
          const isLate = completed.has(vertex.digest) && !hidden.has(vertex.digest);
          if (isLate && !resumedMs.has(vertex.digest)) {
            resumedMs.set(vertex.digest, Date.now());
            sink({ vertexes: [{ ...again(vertex), startedMs: resumedMs.get(vertex.digest) ?? 0 }] });
          }
          reporter.task(id, current, total, isDone);
          const resumed = resumedMs.get(vertex.digest);
          if (!isDone || resumed === undefined) return;
          resumedMs.delete(vertex.digest);
          sink({ vertexes: [{ ...again(vertex), startedMs: resumed, completedMs: Date.now() }] });
        },
        warn(message) {
          show();
          reporter.warn?.(message);
        },
      };
    },
  };
}
