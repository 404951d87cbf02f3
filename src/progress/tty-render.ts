import { cleanText } from './terminal-tail.ts';
import { cutText, stripColours, textWidth } from './text-width.ts';
import type { TtyState, TtyStep } from './tty-state.ts';
import { formatProgress, formatSeconds, isCanceled } from './units.ts';

/** Rows of a running step's output. */
const TAIL_ROWS = 6;
/** A tail is shown where this many rows stay free besides. */
const SPARE_ROWS = 3;
const BAR_COLUMNS = 20;
/** Below this width of the terminal there are no bars, and a name is not cut below this one for the bytes' sake. */
const MIN_BAR_WIDTH = 72;
const MIN_NAME_WIDTH = 20;

const COLOURS = { done: '\x1b[34m', failed: '\x1b[31m', warned: '\x1b[33m', faint: '\x1b[2m' };

export interface TtyView {
  readonly width: number;
  readonly height: number;
  readonly nowMs: number;
  readonly colour: boolean;
  /** What is going on: `Building`. */
  readonly phase: string;
  /** The last frame: everything, whatever the height. */
  readonly final?: boolean;
}

interface Row {
  readonly text: string;
  readonly running: boolean;
  readonly tail?: readonly string[];
}

/** The rows of one frame, each narrower than the terminal; colours are the only escape sequences in them. */
export function renderFrame(state: TtyState, view: TtyView): string[] {
  const budget = view.final ? Number.POSITIVE_INFINITY : Math.max(0, view.height - 2);
  const tails = view.final ? new Map<TtyStep, string[]>() : chooseTails(state, budget, view);
  let tailRows = 0;
  for (const tail of tails.values()) tailRows += tail.length;
  const rows = fitRows(
    state.started.flatMap((step) => stepRows(step, view, tails.get(step))),
    budget - tailRows,
  );
  return [renderHeader(state, view), ...rows.flatMap((row) => [row.text, ...(row.tail ?? [])])];
}

/** The kept output of each step that failed, for below the last frame. */
export function renderFailures(state: TtyState, colour: boolean): string[] {
  const failed = state.started.filter(({ vertex: { error } }) => error !== undefined && !isCanceled(error));
  return failed.flatMap(({ vertex, tail }) => [
    '------',
    ` > ${cleanText(vertex.name)}:`,
    ...formatTail(tail, colour),
    '------',
  ]);
}

/** The lines come first: looking at them tells whether there were more. */
function formatTail(tail: TtyStep['tail'], colour: boolean): string[] {
  const lines = (tail?.lines() ?? []).map((line) => `${line.time} ${endColours(line.text, colour)}`);
  return tail?.dropped ? ['[…]', ...lines] : lines;
}

function renderHeader(state: TtyState, view: TtyView): string {
  const steps = [...state.steps.values()];
  const completed = steps.filter((step) => step.vertex.completedMs !== undefined).length;
  const finished = view.final && completed > 0 && completed === steps.length;
  const elapsed = formatSeconds(view.nowMs - (state.startedMs ?? view.nowMs));
  const text = `[+] ${view.phase} ${elapsed} (${completed}/${steps.length})${finished ? ' FINISHED' : ''}`;
  return cutText(text, view.width - 1);
}

function stepRows(step: TtyStep, view: TtyView, tail: readonly string[] | undefined): Row[] {
  const { vertex } = step;
  const running = vertex.completedMs === undefined;
  const spentMs = step.earlierMs + (vertex.completedMs ?? view.nowMs) - (vertex.startedMs ?? view.nowMs);
  const [mark, colour] = markOf(step);
  const rows: Row[] = [
    {
      text: renderRow(view, ` => ${mark}${cleanText(vertex.name)}`, '', spentMs, colour),
      running,
      ...(tail === undefined ? {} : { tail }),
    },
  ];
  for (const [id, { status, startedMs }] of step.tasks) {
    // A task that nobody ended ends with its step.
    const endedMs = status.completedMs ?? vertex.completedMs;
    const detail = renderBytes(status.current, status.total, endedMs === undefined && view.width >= MIN_BAR_WIDTH);
    rows.push({
      text: renderRow(
        view,
        ` => => ${cleanText(id)}`,
        detail,
        (endedMs ?? view.nowMs) - startedMs,
        endedMs === undefined ? undefined : COLOURS.done,
      ),
      running: endedMs === undefined,
    });
  }
  for (const warning of step.warnings)
    rows.push({
      text: renderRow(view, ` => => WARN: ${cleanText(warning)}`, '', 0, COLOURS.warned),
      running: false,
    });
  return rows;
}

function markOf({ vertex }: TtyStep): [mark: string, colour: string | undefined] {
  if (vertex.error !== undefined)
    return isCanceled(vertex.error) ? ['CANCELED ', COLOURS.warned] : ['ERROR ', COLOURS.failed];
  if (vertex.cached) return ['CACHED ', COLOURS.done];
  return ['', vertex.completedMs === undefined ? undefined : COLOURS.done];
}

/** `left` cut and padded so that `detail` and the time end in the last column but one. */
function renderRow(view: TtyView, left: string, detail: string, spentMs: number, colour: string | undefined): string {
  const time = formatSeconds(spentMs < 50 ? 0 : spentMs).padStart(5);
  const columns = view.width - 1;
  let right = detail === '' ? time : `${detail} ${time}`;
  if (columns - right.length - 1 < MIN_NAME_WIDTH) right = time;
  const room = columns - right.length - 1;
  if (room < 1) return cutText(left, columns);
  const name = cutText(left, room);
  const text = `${name}${' '.repeat(room - textWidth(name))} ${right}`;
  return view.colour && colour !== undefined ? `${colour}${text}\x1b[0m` : text;
}

function renderBytes(current: number, total: number, withBar: boolean): string {
  const bytes = formatProgress(current, total);
  if (!withBar || total <= 0) return bytes;
  const share = Math.min(1, Math.max(0, current / total));
  const filled = Math.floor(share * BAR_COLUMNS);
  const bar = share >= 1 ? '='.repeat(BAR_COLUMNS) : `${'='.repeat(filled)}>`.padEnd(BAR_COLUMNS);
  return `[${bar.slice(0, BAR_COLUMNS)}] ${bytes}`;
}

/** The output of the running steps that say most, as far as the height allows. */
function chooseTails(state: TtyState, budget: number, view: TtyView): Map<TtyStep, string[]> {
  const running = state.started.filter((step) => step.vertex.completedMs === undefined);
  const speaking = running.filter((step) => step.tail !== undefined);
  speaking.sort((a, b) => (b.tail?.bytes ?? 0) - (a.tail?.bytes ?? 0));
  let free = budget - running.length;
  const tails = new Map<TtyStep, string[]>();
  for (const step of speaking) {
    if (free < TAIL_ROWS + SPARE_ROWS) break;
    const lines = (step.tail?.lines() ?? []).filter((line) => stripColours(line.text).trim() !== '').slice(-TAIL_ROWS);
    const rows = lines.map((line) => renderTailRow(line.text, view));
    tails.set(step, rows);
    free -= rows.length;
  }
  return tails;
}

function renderTailRow(text: string, view: TtyView): string {
  const row = cutText(` => => # ${view.colour ? text : stripColours(text)}`, view.width - 1);
  return view.colour ? `${COLOURS.faint}${row}\x1b[0m` : row;
}

/** Leaves out the oldest rows that are done, then the oldest that are not. */
function fitRows(rows: readonly Row[], budget: number): readonly Row[] {
  let excess = rows.length - Math.max(0, budget);
  if (excess <= 0) return rows;
  const kept = rows.filter((row) => row.running || excess-- <= 0);
  return kept.slice(Math.max(0, kept.length - budget));
}

function endColours(text: string, colour: boolean): string {
  if (!colour) return stripColours(text);
  return text.includes('\x1b') ? `${text}\x1b[0m` : text;
}
