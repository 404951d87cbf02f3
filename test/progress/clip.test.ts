import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { clipOutput, readOutputLimit } from '../../src/progress/clip.ts';
import type { SolveStatus } from '../../src/progress/events.ts';
import { LastOutput } from '../../src/progress/last-output.ts';
import { StepTail } from '../../src/progress/step-tail.ts';

const vertex = digestOf('step');

/** What a display of at most `limit` bytes of a step gets to see of the pieces. */
function clip(limit: number, pieces: readonly string[]): string {
  let text = '';
  const sink = clipOutput((status: SolveStatus) => {
    for (const { data } of status.logs ?? []) text += Buffer.from(data).toString();
    if (status.vertexes?.[0]?.completedMs !== undefined) text += '<done>';
  }, limit);
  sink({ logPath: '/logs/a b.log', vertexes: [{ digest: vertex, name: 'step', startedMs: 0 }] });
  for (const piece of pieces) sink({ logs: [{ vertex, stream: 1, data: Buffer.from(piece), timestampMs: 1 }] });
  sink({ vertexes: [{ digest: vertex, name: 'step', startedMs: 0, completedMs: 2 }] });
  return text;
}

test('output below the limit is passed on as it is', (t) => {
  t.is(clip(10, ['12345', '67890']), '1234567890<done>');
});

test('of output above the limit there are the beginning, a notice, and the end', (t) => {
  const notice = "\n[output clipped: 10B are shown; all of it: less '/logs/a b.log']\n";
  t.is(clip(10, ['12345', '6789\nabc\n', 'def\n']), `123456789\n${notice}abc\ndef\n<done>`);
  const lines = Array.from({ length: 100 }, (_, index) => `line ${index}\n`);
  const shown = clip(14, lines);
  t.true(shown.startsWith(`line 0\nline 1\n${notice.replace('10B', '14B')}[`));
  t.true(shown.endsWith(`the end of the output:]\n${lines.slice(-20).join('')}<done>`), shown);
});

test('a line that never ends is shown by its end', (t) => {
  const shown = clip(10, Array<string>(100).fill('x'.repeat(1000)));
  t.regex(shown, /left out; the end of the output:\]\nx{16384}<done>$/);
});

test('the limit is that of BuildKit unless its own variable says otherwise', (t) => {
  t.is(readOutputLimit({}), 2 * 1024 * 1024);
  t.is(readOutputLimit({ BUILDKIT_STEP_LOG_MAX_SIZE: '100' }), 100);
  t.is(readOutputLimit({ BUILDKIT_STEP_LOG_MAX_SIZE: '-1' }), Number.POSITIVE_INFINITY);
  t.is(readOutputLimit({ BUILDKIT_STEP_LOG_MAX_SIZE: 'much' }), 2 * 1024 * 1024);
});

test('what is kept of the end of an output does not grow with it', (t) => {
  for (const size of [1, 100, 100_000]) {
    const last = new LastOutput(1000);
    for (let count = 0; count < 20_000; count++) last.push(Buffer.alloc(size, 'a'), count);
    t.is(last.total, 20_000 * size);
    t.is(last.bytes().length, 1000);
  }
  const last = new LastOutput(1000);
  for (const [index, piece] of ['a\nb', 'c\n', 'progress 1\rprogress 2\r\nd'].entries())
    last.push(Buffer.from(piece), index * 1000);
  t.deepEqual(last.lines(10, 100), ['0.000 a', '0.000 bc', '2.000 progress 2', '2.000 d']);
  t.deepEqual(last.lines(2, 4), ['2.000 s 2', '2.000 d']);
});

test('the tail of the live display has the end of what came between two looks', (t) => {
  const tail = new StepTail(3);
  for (let count = 0; count < 100_000; count++) tail.append(Buffer.from(`line ${count}\n`), count);
  t.deepEqual(
    tail.lines().map(({ text }) => text),
    ['line 99997', 'line 99998', 'line 99999'],
  );
  t.true(tail.dropped);
  tail.append(Buffer.from('and\nmore'), 1);
  t.deepEqual(
    tail.lines().map(({ text }) => text),
    ['line 99998', 'line 99999', 'and', 'more'],
  );
});
