import { errorMessage } from '../errors.ts';
import type { Digest } from '../oci/index.ts';
import type { ProgressSink, VertexStatus } from '../progress/events.ts';
import type { SolveObserver, Vertex } from '../solver/types.ts';
import { createReporter } from './phases.ts';

/** What a build counts of its steps. */
export interface StepCounts {
  executed: number;
  cached: number;
}

/** Shows a solve as progress events. Sources count neither as executed nor as cached: they are looked at each time. */
export function createObserver<R>(
  sink: ProgressSink,
  counts: StepCounts,
  isSource: (vertex: Digest) => boolean,
): SolveObserver<R> {
  const startedMs = new Map<Digest, number>();
  const status = (vertex: Vertex<R>): VertexStatus => ({
    digest: vertex.digest,
    name: vertex.name,
    inputs: vertex.inputs.map((edge) => edge.vertex.digest),
    startedMs: startedMs.get(vertex.digest) ?? Date.now(),
  });
  return {
    started(vertex) {
      startedMs.set(vertex.digest, Date.now());
      sink({ vertexes: [status(vertex)] });
    },
    completed(vertex, outcome) {
      if (!isSource(vertex.digest) && outcome.error === undefined) {
        if (outcome.cached) counts.cached++;
        else counts.executed++;
      }
      const error = outcome.error === undefined ? {} : { error: errorMessage(outcome.error) };
      sink({ vertexes: [{ ...status(vertex), completedMs: Date.now(), cached: outcome.cached, ...error }] });
    },
    reporter: (vertex) => createReporter(sink, vertex.digest),
  };
}
