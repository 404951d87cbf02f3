import type { SolveStatus, TaskStatus, VertexStatus } from './events.ts';
import { StepTail } from './step-tail.ts';

/** Lines of a running step that are kept: they are shown whole when it fails. */
const KEPT_LINES = 100;

export interface TtyStep {
  vertex: VertexStatus;
  /** Time it took in earlier runs of the same solve. */
  earlierMs: number;
  readonly tasks: Map<string, TtyTask>;
  readonly warnings: string[];
  /** Absent before the first output, and again when the step has succeeded. */
  tail: StepTail | undefined;
}

interface TtyTask {
  status: TaskStatus;
  readonly startedMs: number;
}

/** What a terminal shows of a build; built from events. */
export interface TtyState {
  /** In the order in which they were heard of. */
  readonly steps: Map<string, TtyStep>;
  /** In the order in which they started. */
  readonly started: TtyStep[];
  startedMs: number | undefined;
}

export function createTtyState(): TtyState {
  return { steps: new Map(), started: [], startedMs: undefined };
}

/** Takes an event into the state. */
export function updateTtyState(state: TtyState, status: SolveStatus): void {
  for (const vertex of status.vertexes ?? []) updateVertex(state, vertex);
  for (const task of status.statuses ?? []) {
    const tasks = state.steps.get(task.vertex)?.tasks;
    const known = tasks?.get(task.id);
    if (known === undefined) tasks?.set(task.id, { status: task, startedMs: task.startedMs ?? task.timestampMs });
    else known.status = task;
  }
  for (const { vertex, short } of status.warnings ?? []) {
    const step = state.steps.get(vertex);
    if (step?.warnings.includes(short) === false) step.warnings.push(short);
  }
  for (const log of status.logs ?? []) {
    const step = state.steps.get(log.vertex);
    if (step === undefined) continue;
    step.tail ??= new StepTail(KEPT_LINES);
    step.tail.append(log.data, log.timestampMs - (step.vertex.startedMs ?? log.timestampMs));
  }
}

function updateVertex(state: TtyState, vertex: VertexStatus): void {
  let step = state.steps.get(vertex.digest);
  const old = step?.vertex;
  if (step === undefined) {
    step = { vertex, earlierMs: 0, tasks: new Map(), warnings: [], tail: undefined };
    state.steps.set(vertex.digest, step);
  }
  if (vertex.startedMs === undefined) return;
  if (old?.startedMs === undefined) state.started.push(step);
  else if (old.completedMs !== undefined && vertex.startedMs > old.startedMs)
    step.earlierMs += old.completedMs - old.startedMs;
  step.vertex = vertex;
  state.startedMs = Math.min(state.startedMs ?? vertex.startedMs, vertex.startedMs);
  if (vertex.completedMs !== undefined && vertex.error === undefined) step.tail = undefined;
}
