import type { SolveStatus, TaskStatus, VertexStatus } from './events.ts';
import { type CopyLines, OutputBuffer } from './output-buffer.ts';
import { PlainLog } from './plain-log.ts';
import { RawLog } from './raw-log.ts';
import type { StepLog } from './step-log.ts';
import { cleanLines } from './terminal-tail.ts';
import { formatProgress, formatSeconds, isCanceled } from './units.ts';

/** A step that is shown keeps the output for about this long while others wait. */
const ANTI_FLICKER_MS = 5000;
/** A step with news waits no longer than this. */
const MAX_WAIT_MS = 10_000;
/** A task is shown again after this much time or this share of its total. */
const TASK_INTERVAL_MS = 5000;
const TASK_SHARE = 0.05;
/** A waiting step's output is printed before it takes more memory than this. */
const MAX_HELD = 256 * 1024;

export interface PlainPrinterOptions {
  /** The data is good only during the call. */
  readonly write: (data: Uint8Array) => void;
  /** Given: every byte of the steps' output is kept (see RawLog). */
  readonly copyLines?: CopyLines;
}

interface Step {
  vertex: VertexStatus;
  /** The number it is printed under, given when it first is. */
  index: number;
  /** Most steps of a cached build have none. */
  tasks?: Map<string, Task>;
  /** Those with news. */
  changedTasks?: Set<string>;
  readonly log: StepLog;
  /** Every one that came; those that were not printed yet. */
  readonly warnings: Set<string>;
  newWarnings: string[];
  /** Events since it was last hidden, and when the first of them came. */
  news: number;
  newsSinceMs: number;
}

interface Task {
  status: TaskStatus;
  readonly startedMs: number;
  shown?: { readonly current: number; readonly timestampMs: number };
}

/**
 * Prints a build as BuildKit's plain progress: one step at a time, `#4 ...` where another takes over. Pure of clocks
 * and timers: `update` takes events, `print` shows what is due at the given time.
 */
export class PlainPrinter {
  readonly #out: OutputBuffer;
  readonly #copyLines: CopyLines | undefined;
  readonly #steps = new Map<string, Step>();
  /** Steps with something to show. */
  readonly #pending = new Set<Step>();
  #current: Step | undefined;
  #lastIndex = 0;

  constructor(options: PlainPrinterOptions) {
    this.#out = new OutputBuffer(options.write);
    this.#copyLines = options.copyLines;
  }

  /** Takes an event that came at `nowMs`. */
  update(status: SolveStatus, nowMs: number): void {
    for (const vertex of status.vertexes ?? []) this.#updateVertex(vertex, nowMs);
    for (const task of status.statuses ?? []) {
      const step = this.#steps.get(task.vertex);
      if (step === undefined) continue;
      step.tasks ??= new Map();
      const known = step.tasks.get(task.id);
      if (known === undefined) step.tasks.set(task.id, { status: task, startedMs: task.startedMs ?? task.timestampMs });
      else known.status = task;
      step.changedTasks ??= new Set();
      step.changedTasks.add(task.id);
      this.#note(step, nowMs);
    }
    for (const warning of status.warnings ?? []) {
      const step = this.#steps.get(warning.vertex);
      // Another place in the file may be told of in the same words.
      if (step === undefined || step.warnings.has(warning.short)) continue;
      step.warnings.add(warning.short);
      step.newWarnings.push(warning.short);
      this.#note(step, nowMs);
    }
    for (const { vertex, data, timestampMs } of status.logs ?? []) {
      const step = this.#steps.get(vertex);
      if (step === undefined) continue;
      step.log.append(data, timestampMs - (step.vertex.startedMs ?? timestampMs));
      this.#note(step, nowMs);
      if (step.log.size > MAX_HELD) {
        this.#showCompleted(nowMs);
        this.#show(step, nowMs);
        this.#out.flush();
      }
    }
  }

  /** Prints what is due. */
  print(nowMs: number): void {
    this.#printDue(nowMs);
    this.#out.flush();
  }

  /** Prints all that is left, and the last lines of each failed step. */
  finish(nowMs: number): void {
    this.#printDue(nowMs);
    for (const step of this.#pending) this.#show(step, nowMs);
    this.#current?.log.interrupt(this.#out);
    for (const { vertex, log } of this.#steps.values()) {
      if (vertex.error === undefined || isCanceled(vertex.error)) continue;
      const lines = log.tail().map((line) => `${line}\n`);
      this.#out.latin1(`------\n > ${utf8(vertex.name)}:\n${lines.join('')}------\n`);
    }
    this.#out.flush();
  }

  #updateVertex(vertex: VertexStatus, nowMs: number): void {
    const known = this.#steps.get(vertex.digest);
    if (known === undefined) {
      const step: Step = {
        vertex,
        index: 0,
        log: this.#copyLines === undefined ? new PlainLog() : new RawLog(this.#copyLines),
        warnings: new Set(),
        newWarnings: [],
        news: 0,
        newsSinceMs: nowMs,
      };
      this.#steps.set(vertex.digest, step);
      if (vertex.startedMs !== undefined) this.#note(step, nowMs);
      return;
    }
    const old = known.vertex;
    // A late announcement says nothing new of a step that has started.
    if (vertex.startedMs === undefined && old.startedMs !== undefined) return;
    known.vertex = vertex;
    const changed =
      vertex.startedMs !== old.startedMs ||
      vertex.completedMs !== old.completedMs ||
      vertex.name !== old.name ||
      vertex.cached !== old.cached ||
      vertex.error !== old.error;
    if (changed && vertex.startedMs !== undefined) this.#note(known, nowMs);
  }

  #note(step: Step, nowMs: number): void {
    if (step.news === 0) step.newsSinceMs = nowMs;
    step.news++;
    this.#pending.add(step);
  }

  #showCompleted(nowMs: number): void {
    const before = this.#current;
    const completed = [...this.#pending].filter((step) => step.vertex.completedMs !== undefined);
    completed.sort((a, b) => (a.vertex.completedMs ?? 0) - (b.vertex.completedMs ?? 0));
    // The step on show ends without a detour.
    if (before !== undefined && completed.includes(before)) this.#show(before, nowMs);
    for (const step of completed) if (step !== before) this.#show(step, nowMs);
  }

  #printDue(nowMs: number): void {
    const before = this.#current;
    this.#showCompleted(nowMs);
    const hasCurrent = before !== undefined && this.#current === before;
    if (this.#pending.size === 0) {
      if (!hasCurrent) this.#showAnyRunning(nowMs);
      return;
    }
    const changed = hasCurrent && this.#pending.has(before);
    if (changed) this.#show(before, nowMs);
    const next = this.#chooseNext(hasCurrent ? before : undefined, nowMs);
    if (next !== undefined) this.#show(next, nowMs);
  }

  /** Another step takes the place of one that ended, so that a log always ends with what is running. */
  #showAnyRunning(nowMs: number): void {
    if (this.#current !== undefined) return;
    for (const step of this.#steps.values()) {
      if (step.vertex.startedMs === undefined || step.vertex.completedMs !== undefined) continue;
      this.#show(step, nowMs);
      return;
    }
  }

  /** Which waiting step takes the output from `current`: one that waited too long, or else by its share of the news. */
  #chooseNext(current: Step | undefined, nowMs: number): Step | undefined {
    const waiting = [...this.#pending].filter((step) => step !== current);
    if (waiting.length === 0) return undefined;
    const overdue = waiting.find((step) => nowMs - step.newsSinceMs > MAX_WAIT_MS);
    if (overdue !== undefined) return overdue;
    const speed = (step: Step): number => step.news / Math.max(1, nowMs - step.newsSinceMs);
    const busiest = waiting.reduce((best, step) => (speed(step) > speed(best) ? step : best));
    if (current === undefined) return busiest;
    const total = waiting.reduce((sum, step) => sum + speed(step), speed(current));
    const share = total === 0 ? 0 : speed(current) / total;
    const turnMs = ANTI_FLICKER_MS / Math.max(1 - share, Number.EPSILON);
    return turnMs < nowMs - current.newsSinceMs ? busiest : undefined;
  }

  #show(step: Step, nowMs: number): void {
    if (step !== this.#current) this.#switchTo(step);
    const prefix = `#${step.index} `;
    if (step.changedTasks !== undefined) this.#showTasks(step, prefix, step.changedTasks);
    for (const warning of step.newWarnings) {
      step.log.interrupt(this.#out);
      this.#out.latin1(`${prefix}WARN: ${utf8(warning)}\n`);
    }
    step.newWarnings = [];
    const { completedMs, startedMs, error, cached } = step.vertex;
    step.log.take(this.#out, prefix, nowMs, completedMs !== undefined);
    this.#pending.delete(step);
    if (completedMs === undefined) return;

    const spent = startedMs === undefined ? '' : ` ${formatSeconds(completedMs - startedMs)}`;
    const failed = error !== undefined && isCanceled(error) ? 'CANCELED' : `ERROR: ${utf8(error ?? '')}`;
    this.#out.latin1(`${prefix}${error !== undefined ? failed : cached ? 'CACHED' : `DONE${spent}`}\n`);
    step.news = 0;
    this.#current = undefined;
  }

  #switchTo(step: Step): void {
    const old = this.#current;
    if (old !== undefined) {
      old.log.interrupt(this.#out);
      this.#out.latin1(`#${old.index} ...\n`);
      old.news = 0;
    }
    if (this.#lastIndex > 0) this.#out.latin1('\n');
    if (step.index === 0) step.index = ++this.#lastIndex;
    this.#out.latin1(`#${step.index} ${utf8(step.vertex.name)}\n`);
    this.#current = step;
  }

  #showTasks(step: Step, prefix: string, changed: ReadonlySet<string>): void {
    let lines = '';
    for (const id of changed) {
      const task = step.tasks?.get(id);
      if (task === undefined || !isTaskDue(task)) continue;
      const { current, total, timestampMs, completedMs } = task.status;
      task.shown = { current, timestampMs };
      const bytes = formatProgress(current, total);
      const elapsedMs = (completedMs ?? timestampMs) - task.startedMs;
      lines += `${prefix}${utf8(id)}${bytes === '' ? '' : ` ${bytes}`}`;
      lines += `${elapsedMs > 10 ? ` ${formatSeconds(elapsedMs)}` : ''}${completedMs === undefined ? '' : ' done'}\n`;
    }
    delete step.changedTasks;
    if (lines === '') return;
    step.log.interrupt(this.#out);
    this.#out.latin1(lines);
  }
}

function isTaskDue({ status, shown }: Task): boolean {
  if (shown === undefined || status.completedMs !== undefined) return true;
  const share = status.total > 0 ? (status.current - shown.current) / status.total : 0;
  return share >= TASK_SHARE || status.timestampMs - shown.timestampMs >= TASK_INTERVAL_MS;
}

/** A name or a message as the Latin-1 string of its UTF-8 bytes, like everything that is printed; only what steps print goes through as it is. */
function utf8(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return Buffer.from(cleanLines(text), 'utf8').toString('latin1');
}
