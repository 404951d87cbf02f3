import { randomBytes } from 'node:crypto';
import { errorMessage } from '../errors.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import type { ProgressSink, VertexStatus } from '../progress/events.ts';
import type { VertexReporter } from '../solver/types.ts';

/**
 * Steps of a build that are no vertices of its graph — loading the Dockerfile, resolving a base, exporting — shown in
 * the same way: `#1 [internal] load build definition from Dockerfile`.
 */
export async function runPhase<T>(
  sink: ProgressSink,
  name: string,
  work: (reporter: VertexReporter, vertex: Digest) => Promise<T> | T,
): Promise<T> {
  const digest = digestOf(`${name}\n${randomBytes(16).toString('hex')}`);
  const startedMs = Date.now();
  sink({ vertexes: [{ digest, name, startedMs }] });
  try {
    const value = await work(createReporter(sink, digest), digest);
    sink({ vertexes: [{ digest, name, startedMs, completedMs: Date.now() }] });
    return value;
  } catch (error) {
    const failed: VertexStatus = { digest, name, startedMs, completedMs: Date.now(), error: errorMessage(error) };
    sink({ vertexes: [failed] });
    throw error;
  }
}

/** Turns what an op says of itself into events. */
export function createReporter(sink: ProgressSink, vertex: Digest): VertexReporter {
  let startedMs: Map<string, number> | undefined;
  return {
    log(stream, data) {
      sink({ logs: [{ vertex, stream, data, timestampMs: Date.now() }] });
    },
    task(id, current, total, completed = false) {
      const now = Date.now();
      // Most reporters are never told of a task.
      startedMs ??= new Map();
      const started = startedMs.get(id) ?? now;
      startedMs.set(id, started);
      const times = completed ? { startedMs: started, completedMs: now } : { startedMs: started };
      sink({ statuses: [{ id, vertex, current, total, timestampMs: now, ...times }] });
    },
    warn(message) {
      sink({ warnings: [{ vertex, level: 1, short: message }] });
    },
  };
}
