import { EventEmitter } from 'node:events';
import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { TerminalTail } from '../../src/progress/terminal-tail.ts';
import { cutText, textWidth } from '../../src/progress/text-width.ts';
import { createTtyDisplay } from '../../src/progress/tty.ts';
import { renderFailures, renderFrame } from '../../src/progress/tty-render.ts';
import { createTtyState, type TtyState, updateTtyState } from '../../src/progress/tty-state.ts';
import { type Arrival, readGolden, readRecordings } from './recorded.ts';

const SIZES = [
  [80, 24],
  [100, 12],
  [30, 8],
] as const;

/** Some frames of a recording: one a second, and the last. */
function renderAll(arrivals: readonly Arrival[], width: number, height: number, colour: boolean): string[] {
  const state = createTtyState();
  const frames: string[] = [];
  let nowMs = arrivals[0]?.atMs ?? 0;
  const take = (final: boolean): void => {
    const frame = renderFrame(state, { width, height, nowMs, colour, phase: 'Building', final });
    if (!final && frame.length > height - 1) throw new Error(`${frame.length} rows on a terminal of ${height}`);
    for (const row of frame) if (textWidth(row) >= width) throw new Error(`too wide: ${row}`);
    frames.push(frame.join('\n'));
  };
  for (const { status, atMs } of arrivals) {
    if (Math.floor(atMs / 1000) > Math.floor(nowMs / 1000)) take(false);
    nowMs = Math.max(nowMs, atMs);
    updateTtyState(state, status);
  }
  take(true);
  frames.push(renderFailures(state, colour).join('\n'));
  return frames;
}

for (const { name, arrivals } of readRecordings()) {
  for (const [width, height] of SIZES) {
    test(`frames of the recorded build "${name}" at ${width} by ${height}`, (t) => {
      const text = Buffer.from(`${renderAll(arrivals, width, height, false).join('\n\n')}\n`);
      t.is(text.toString(), readGolden(name, `tty-${width}x${height}.txt`, text).toString());
    });
  }

  test(`frames of the recorded build "${name}" hold no control sequence but colours`, (t) => {
    const text = renderAll(arrivals, 80, 24, true).join('\n');
    t.notRegex(text.replace(/\x1b\[[\d;]*m/g, '').replace(/\n/g, ''), /\p{Cc}/u);
  });
}

function tailOf(...chunks: readonly (string | Uint8Array)[]): string[] {
  const tail = new TerminalTail(6);
  for (const chunk of chunks) tail.append(Buffer.from(chunk as string), 0);
  return tail.lines().map((line) => line.text);
}

test('a tail keeps the last lines', (t) => {
  t.deepEqual(tailOf('1\n2\n3\n4\n5\n6\n7\n', '8'), ['2', '3', '4', '5', '6', '7', '8']);
});

test('a carriage return repaints a line, a backspace takes a character back', (t) => {
  t.deepEqual(tailOf('10%\r20%\r', '30%\r\nnext\r\n'), ['30%', 'next']);
  t.deepEqual(tailOf('working |\b/\b-\n'), ['working -']);
});

const HOSTILE: readonly (readonly [name: string, text: string, left: string])[] = [
  ['window title', '\x1b]0;title\x07text', 'text'],
  ['window title ended by ST', '\x1b]2;title\x1b\\text', 'text'],
  ['title that never ends', '\x1b]0;title\ntext', 'text'],
  ['clear and move', '\x1b[2J\x1b[10;10Htext\x1b[3A', 'text'],
  ['alternate screen', '\x1b[?1049htext', 'text'],
  ['device control string', '\x1bP$q"p\x1b\\text', 'text'],
  ['full reset', '\x1bctext', 'text'],
  ['character set', '\x1b(0text', 'text'],
  ['status report', '\x1b[6ntext\x1b[c', 'text'],
  ['8-bit control sequence', '\u009b2Jtext', '2Jtext'],
  ['bell and others', '\x07\x0e\x0f\x05text\x7f', 'text'],
  ['reordering marks', '\u202etext\u2066', 'text'],
  ['colours stay', '\x1b[1;31mred\x1b[0m', '\x1b[1;31mred\x1b[0m'],
  ['colour numbers stay', '\x1b[38;5;8mgrey', '\x1b[38;5;8mgrey'],
  ['hidden and blinking do not', '\x1b[8mtext\x1b[5;1m', 'text'],
];

for (const [name, text, left] of HOSTILE) {
  test(`output cannot harm the terminal: ${name}`, (t) => {
    t.deepEqual(tailOf(text), [left]);
    t.deepEqual(tailOf(...Array.from(text)), [left], 'in single characters');
  });
}

test('a character that comes in two pieces is whole', (t) => {
  t.deepEqual(tailOf(Buffer.from([0xe6, 0x97]), Buffer.from([0xa5])), ['日']);
});

test('width counts columns', (t) => {
  t.is(textWidth('abc'), 3);
  t.is(textWidth('日本'), 4);
  t.is(textWidth('🚀x'), 3);
  t.is(textWidth('e\u0301'), 1);
  t.is(textWidth('\x1b[31mred\x1b[0m'), 3);
  t.is(cutText('日本語', 5), '日本');
  t.is(cutText('\x1b[31mred', 2), '\x1b[31mre\x1b[0m');
});

/** Enough of a terminal to see what a frame leaves on the screen. */
class Screen extends EventEmitter {
  columns = 40;
  rows = 10;
  lines: string[] = [''];
  row = 0;
  cursor = true;

  write(text: string | Uint8Array): boolean {
    for (const [part] of String(text).matchAll(/\x1b\[\??(\d*)([A-Za-z])|\r|\n|[^\x1b\r\n]+/g)) {
      const [, count = '', final] = /^\x1b\[\??(\d*)([A-Za-z])$/.exec(part) ?? [];
      if (final === 'A') this.row = Math.max(0, this.row - Number(count || 1));
      else if (final === 'K') this.lines[this.row] = this.lines[this.row] ?? '';
      else if (final === 'J') this.lines.length = this.row + (this.lines[this.row] === undefined ? 0 : 1);
      else if (final === 'h' || final === 'l') this.cursor = final === 'h';
      else if (part === '\n') this.lines[++this.row] ??= '';
      else if (part !== '\r' && final === undefined) this.lines[this.row] = part;
    }
    return true;
  }
}

test('the display repaints in place and leaves the last state on the screen', (t) => {
  t.timeout(5000);
  const screen = new Screen();
  const digest = digestOf('step');
  const display = createTtyDisplay({ terminal: screen as never, colour: false, phase: 'Building' });
  display.sink({ vertexes: [{ digest, name: 'RUN make', startedMs: Date.now() }] });
  return new Promise<void>((resolve) => {
    setTimeout(() => {
      t.regex(screen.lines.join('\n'), /^\[\+\] Building \d\.\ds \(0\/1\)\n => RUN make +\d\.\ds\n?$/);
      display.sink({ vertexes: [{ digest, name: 'RUN make', startedMs: Date.now() - 1000, completedMs: Date.now() }] });
      display.finish();
      t.regex(screen.lines.join('\n'), /^\[\+\] Building \d\.\ds \(1\/1\) FINISHED\n => RUN make +1\.0s\n?$/);
      t.true(screen.cursor);
      t.is(screen.listenerCount('resize'), 0);
      resolve();
    }, 250);
  });
});

test('a step that starts again adds to its time', (t) => {
  const state: TtyState = createTtyState();
  const digest = digestOf('step');
  updateTtyState(state, { vertexes: [{ digest, name: 'a', startedMs: 0, completedMs: 1000 }] });
  updateTtyState(state, { vertexes: [{ digest, name: 'a', startedMs: 5000, completedMs: 7000 }] });
  const rows = renderFrame(state, { width: 40, height: 10, nowMs: 9000, colour: false, phase: 'Building' });
  t.regex(rows[1] ?? '', /3\.0s$/);
});
