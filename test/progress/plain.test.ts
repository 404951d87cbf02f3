import test from 'ava';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { PlainPrinter } from '../../src/progress/plain-printer.ts';
import { type Arrival, readGolden, readRecordings } from './recorded.ts';

/** Plays a recording as the display does: an event at a time, prints at most every 100 ms, a tick each 150 ms. */
function play(arrivals: readonly Arrival[], raw: boolean): Buffer {
  const written: Uint8Array[] = [];
  const printer = new PlainPrinter({
    write: (data) => written.push(Buffer.from(data)),
    ...(raw ? { copyLines: native.prefixLines } : {}),
  });
  let printedMs = 0;
  let nowMs = arrivals[0]?.atMs ?? 0;
  const print = (): void => {
    if (nowMs - printedMs < 100) return;
    printedMs = nowMs;
    printer.print(nowMs);
  };
  for (const { status, atMs } of arrivals) {
    for (; nowMs + 150 < atMs; nowMs += 150) print();
    nowMs = Math.max(nowMs, atMs);
    printer.update(status, nowMs);
    print();
  }
  printer.finish(nowMs);
  return Buffer.concat(written);
}

for (const { name, arrivals } of readRecordings()) {
  test(`plain progress of the recorded build "${name}"`, (t) => {
    const actual = play(arrivals, false);
    t.is(actual.toString('latin1'), readGolden(name, 'plain.txt', actual).toString('latin1'));
  });

  test(`log file of the recorded build "${name}" has every byte of every log`, (t) => {
    const text = play(arrivals, true)
      .toString('latin1')
      .replace(/\n?#\d+ \.\.\.\n\n#\d+ [^\n]*\n#\d+ (?:[\d.]+|~) /g, '');
    const bare = text.replace(/^#\d+ [\d.]+ /gm, '');
    const logs = new Map<string, string>();
    for (const { status } of arrivals)
      for (const { vertex, data } of status.logs ?? [])
        logs.set(vertex, (logs.get(vertex) ?? '') + Buffer.from(data).toString('latin1'));
    t.is(logs.size > 0, name !== 'cached');
    for (const log of logs.values()) for (const line of log.split('\n')) t.true(bare.includes(line), line);
  });
}

test('output of a step that waits for its turn is printed before it takes much memory', (t) => {
  const shown = digestOf('shown');
  const hidden = digestOf('hidden');
  let written = 0;
  const printer = new PlainPrinter({ write: (data) => (written += data.length) });
  printer.update({ vertexes: [{ digest: shown, name: 'shown', startedMs: 0 }] }, 0);
  printer.print(0);
  printer.update({ vertexes: [{ digest: hidden, name: 'hidden', startedMs: 0 }] }, 0);
  const line = Buffer.from(`${'x'.repeat(999)}\n`);
  for (let count = 0; count < 2000; count++)
    printer.update({ logs: [{ vertex: hidden, stream: 1, data: line, timestampMs: 1 }] }, 1);
  t.true(written > 1_700_000, `${written} bytes of 2,000,000 are printed`);
  t.true(written < 2_100_000, `${written} bytes of 2,000,000 are printed`);
});

test('a line without an end is printed as it grows', (t) => {
  const digest = digestOf('step');
  let text = '';
  const printer = new PlainPrinter({ write: (data) => (text += Buffer.from(data).toString()) });
  printer.update({ vertexes: [{ digest, name: 'step', startedMs: 0 }] }, 0);
  for (const [atMs, data] of [
    [1000, 'one'],
    [2000, ' two'],
  ] as const) {
    printer.update({ logs: [{ vertex: digest, stream: 1, data: Buffer.from(data), timestampMs: atMs }] }, atMs);
    printer.print(atMs);
  }
  t.is(text, '#1 step\n#1 1.000 one two');
});

test('what is warned of in the same words is said once, however far apart', (t) => {
  const vertex = digestOf('step');
  let written = '';
  const printer = new PlainPrinter({ write: (data) => (written += Buffer.from(data).toString()) });
  const warn = (short: string) => ({ warnings: [{ vertex, level: 1, short, detail: [] }] });
  printer.update({ vertexes: [{ digest: vertex, name: 'step', startedMs: 0 }] }, 0);
  printer.update(warn('one'), 0);
  printer.print(0);
  printer.update(warn('one'), 1000);
  printer.update(warn('two'), 1000);
  printer.print(1000);
  printer.finish(2000);
  t.is(written, '#1 step\n#1 WARN: one\n#1 WARN: two\n');
});
