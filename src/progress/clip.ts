import type { Digest } from '../oci/index.ts';
import type { ProgressSink, SolveStatus, VertexLog } from './events.ts';
import { LastOutput } from './last-output.ts';
import { formatBytes } from './units.ts';

/** What is shown of a step's output, as with BuildKit, which drops the rest. */
const DEFAULT_LIMIT_BYTES = 2 * 1024 * 1024;

/** What is shown of the end of a step's output when its middle was left out. */
const END_LINES = 20;
const END_BYTES = 16 * 1024;

interface Step {
  shown: number;
  /** What came after the limit was reached. */
  rest: LastOutput | undefined;
}

/**
 * Passes a build's events on, but of each step's output only the first two MiB and, when it is over, the last lines: so a display
 * does not grow with a log. What is left out, and where all of it is, is said in the output itself, as BuildKit says it.
 */
export function clipOutput(sink: ProgressSink, limitBytes = DEFAULT_LIMIT_BYTES): ProgressSink {
  const steps = new Map<Digest, Step>();
  let logPath = '';
  const where = (): string => (logPath === '' ? '' : `; all of it: less ${quoteForShell(logPath)}`);

  const takeLog = (log: VertexLog): readonly VertexLog[] => {
    let step = steps.get(log.vertex);
    if (step === undefined) {
      step = { shown: 0, rest: undefined };
      steps.set(log.vertex, step);
    }
    if (step.rest !== undefined) {
      step.rest.push(log.data, log.timestampMs);
      return [];
    }
    const room = limitBytes - step.shown;
    step.shown += log.data.length;
    if (log.data.length <= room) return [log];
    step.rest = new LastOutput(END_BYTES);
    step.rest.push(log.data.subarray(room), log.timestampMs);
    const notice = `\n[output clipped: ${formatBytes(limitBytes)} are shown${where()}]\n`;
    return [{ ...log, data: log.data.subarray(0, room) }, say(log.vertex, notice, log.timestampMs)];
  };

  /** The end of what a step that is over has printed. */
  const takeEnd = (vertex: Digest, timestampMs: number): readonly VertexLog[] => {
    const rest = steps.get(vertex)?.rest;
    steps.delete(vertex);
    if (rest === undefined) return [];
    const kept = rest.bytes();
    const end = endLines(kept, kept.length === rest.total);
    const left = rest.total - end.length;
    if (left <= 0) return [{ vertex, stream: 1, data: end, timestampMs }];
    const notice = `[${formatBytes(left)} left out; the end of the output:]\n`;
    return [say(vertex, notice, timestampMs), { vertex, stream: 1, data: end, timestampMs }];
  };

  return (status) => {
    if (status.logPath !== undefined) logPath = status.logPath;
    const ends: VertexLog[] = [];
    for (const { digest, completedMs } of status.vertexes ?? [])
      if (completedMs !== undefined) ends.push(...takeEnd(digest, completedMs));
    if (ends.length > 0) sink({ logs: ends });
    const clipped = status.logs === undefined ? status : { ...status, logs: status.logs.flatMap(takeLog) };
    if (!isEmpty(clipped)) sink(clipped);
  };
}

/**
 * `BUILDKIT_STEP_LOG_MAX_SIZE`, buildkitd's own variable: bytes of each step's output that are shown; -1 is no limit. Anything
 * else is as if it were not set.
 */
export function readOutputLimit(env: NodeJS.ProcessEnv): number {
  const text = env.BUILDKIT_STEP_LOG_MAX_SIZE ?? '';
  if (text === '-1') return Number.POSITIVE_INFINITY;
  return /^\d{1,15}$/.test(text) ? Number(text) : DEFAULT_LIMIT_BYTES;
}

/** The last lines; where they are too long, the end of the last. */
function endLines(bytes: Buffer, isWhole: boolean): Buffer {
  let from = bytes.length;
  for (let count = 0; count < END_LINES && from > 0; count++) from = bytes.lastIndexOf(10, from - 2) + 1;
  // The first may have begun in what is not kept.
  const first = from === 0 && !isWhole ? bytes.indexOf(10) + 1 : from;
  return bytes.subarray(first === bytes.length ? 0 : first);
}

function say(vertex: Digest, text: string, timestampMs: number): VertexLog {
  return { vertex, stream: 2, data: Buffer.from(text), timestampMs };
}

function isEmpty(status: SolveStatus): boolean {
  return status.logs?.length === 0 && !status.vertexes?.length && !status.statuses?.length && !status.warnings?.length;
}

/** A path as a shell takes it for one word. */
function quoteForShell(path: string): string {
  return /^[\w./:@%+=-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
