import type { Display, Write } from './display-types.ts';
import type { SolveStatus } from './events.ts';

/** `--progress rawjson`: one line of JSON for each event, as buildx prints it. */
export function createRawJsonDisplay(options: { readonly write: Write }): Display {
  return {
    sink(status) {
      const { logPath, buildId: _, ...event } = status;
      if (logPath === undefined || Object.keys(event).length > 0) options.write(`${formatRawJson(event)}\n`);
    },
    finish() {},
  };
}

/** An event as Go's encoding/json writes BuildKit's client.SolveStatus: names, order, and what is left out. */
export function formatRawJson(status: SolveStatus): string {
  const value = {
    vertexes: unlessEmpty(
      status.vertexes?.map((vertex) => ({
        digest: vertex.digest,
        inputs: unlessEmpty(vertex.inputs),
        name: vertex.name || undefined,
        started: formatTime(vertex.startedMs),
        completed: formatTime(vertex.completedMs),
        cached: vertex.cached || undefined,
        error: vertex.error || undefined,
      })),
    ),
    statuses: unlessEmpty(
      status.statuses?.map((task) => ({
        id: task.id,
        vertex: task.vertex,
        total: task.total || undefined,
        current: task.current,
        timestamp: formatTime(task.timestampMs),
        started: formatTime(task.startedMs),
        completed: formatTime(task.completedMs),
      })),
    ),
    logs: unlessEmpty(
      status.logs?.map((log) => ({
        vertex: log.vertex,
        stream: log.stream,
        data: base64(log.data),
        timestamp: formatTime(log.timestampMs),
      })),
    ),
    warnings: unlessEmpty(
      status.warnings?.map((warning) => ({
        vertex: warning.vertex,
        level: warning.level || undefined,
        short: base64(warning.short),
        detail: unlessEmpty(warning.detail?.map(base64)),
        url: warning.url || undefined,
      })),
    ),
  };
  // Go escapes what could end a script element, and the two line separators that JavaScript once took for line ends.
  return JSON.stringify(value).replace(/[<>&\u2028\u2029]/g, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** RFC 3339 with as many digits of a second as are needed (Go's RFC3339Nano). */
function formatTime(timeMs: number | undefined): string | undefined {
  if (timeMs === undefined) return undefined;
  const seconds = Math.floor(timeMs / 1000);
  // Microseconds: all that a double can tell of a time in milliseconds.
  const micros = Math.min(999_999, Math.round((timeMs - seconds * 1000) * 1000));
  const fraction = micros === 0 ? '' : `.${String(micros).padStart(6, '0')}`.replace(/0+$/, '');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z`;
}

function base64(data: string | Uint8Array): string {
  return Buffer.from(data).toString('base64');
}

function unlessEmpty<T>(values: readonly T[] | undefined): readonly T[] | undefined {
  return values === undefined || values.length === 0 ? undefined : values;
}
