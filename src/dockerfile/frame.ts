import { CONTROLS } from '../progress/terminal-tail.ts';
import { textWidth } from '../progress/text-width.ts';
import { maskUrls } from '../remote-url/index.ts';
import type { SourceRange } from './position.ts';

const CONTEXT_LINES = 2;
const MAX_MARKED_LINES = 8;
/** Of a line that is too long for this, in characters, the part with the marked words is shown. */
const MAX_COLUMNS = 200;
/** What stays visible in front of the marked words of such a line. */
const LEAD = 40;
const TAB = '    ';

/**
 * The lines around a range, numbered, with the range underlined: carets stand below exactly its characters, also behind wide and
 * invisible ones (tabs are shown as spaces). Long lines are cut, long ranges shortened.
 */
export function formatFrame(source: string, range: SourceRange): string {
  const starts = findLineStarts(source);
  // What follows the last line feed is no line.
  const isTailEmpty = starts.at(-1) === source.length && starts.length > range.end.line;
  const count = isTailEmpty ? starts.length - 1 : starts.length;
  const first = Math.max(1, range.start.line - CONTEXT_LINES);
  const lastMarked = Math.min(range.end.line, range.start.line + MAX_MARKED_LINES - 1, count);
  const last = Math.min(count, lastMarked + CONTEXT_LINES);
  const width = String(last).length;
  const out: string[] = [];
  for (let number = first; number <= last; number++) {
    const line = sliceLine(source, starts, number);
    const marked = number >= range.start.line && number <= lastMarked;
    const span = marked ? findSpan(line, number, range) : undefined;
    const [text, carets] = drawLine(line, span);
    out.push(`${marked ? '>' : ' '} ${String(number).padStart(width)} | ${text}`.trimEnd());
    if (carets !== undefined) out.push(`  ${' '.repeat(width)} | ${carets}`);
  }
  return out.join('\n');
}

/** Of the source that was looked at last: a file with one mistake often has thousands, and each draws a frame. */
let known: { readonly source: string; readonly starts: readonly number[] } = { source: '', starts: [0] };

/** The offset of each line; there is always one. */
function findLineStarts(source: string): readonly number[] {
  if (known.source === source) return known.starts;
  const starts = [0];
  for (let at = source.indexOf('\n'); at >= 0; at = source.indexOf('\n', at + 1)) starts.push(at + 1);
  known = { source, starts };
  return starts;
}

/** A line by its number, without its end. */
function sliceLine(source: string, starts: readonly number[], number: number): string {
  const next = starts[number];
  const line = source.slice(starts[number - 1], next === undefined ? source.length : next - 1);
  // Frames are printed, logged and kept: a password that stands in a URL of the file is nobody's business there.
  return maskUrls(line.endsWith('\r') ? line.slice(0, -1) : line);
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** The part of a line that a range covers, without indentation; `undefined` where that is nothing. */
function findSpan(line: string, number: number, range: SourceRange): Span | undefined {
  const indent = line.length - line.trimStart().length;
  const from = number === range.start.line ? Math.min(range.start.column, line.length) : indent;
  const to = number === range.end.line ? Math.min(range.end.column, line.length) : line.trimEnd().length;
  if (line.trim() === '' && number !== range.start.line) return undefined;
  return { from, to: Math.max(from, to) };
}

/** A line as it is shown, and the carets below it. */
function drawLine(line: string, span: Span | undefined): [text: string, carets: string | undefined] {
  const start = span === undefined || span.from < MAX_COLUMNS - LEAD ? 0 : span.from - LEAD;
  const end = Math.min(line.length, start + MAX_COLUMNS);
  const head = start === 0 ? '' : '…';
  const text = head + showText(line.slice(start, end)) + (end < line.length ? '…' : '');
  if (span === undefined) return [text, undefined];
  const before = textWidth(head + showText(line.slice(start, span.from)));
  const under = textWidth(showText(line.slice(span.from, Math.min(span.to, end))));
  // An empty place, or one of invisible characters, is pointed at.
  return [text, ' '.repeat(before) + '^'.repeat(Math.max(1, under))];
}

/** Text whose width is the same everywhere: no tabs, nothing that a terminal would act on. */
function showText(text: string): string {
  return text.replaceAll('\t', TAB).replace(CONTROLS, '\ufffd');
}
