import test from 'ava';
import { DockerfileError, syntaxError } from '../../src/dockerfile/errors.ts';
import { formatFrame } from '../../src/dockerfile/frame.ts';
import { cleanLines } from '../../src/progress/terminal-tail.ts';
import { suggest } from '../../src/suggest.ts';
import { assertLinear } from '../support/growth.ts';

const SOURCE = 'FROM x\n\nRUN one\nCOPY a\tb \\\r\n  c\nCMD x\nUSER y\n';

test('a frame shows the lines around and underlines the token', (t) => {
  const frame = formatFrame(SOURCE, { start: { line: 3, column: 4 }, end: { line: 3, column: 7 } });
  t.is(
    frame,
    ['  1 | FROM x', '  2 |', '> 3 | RUN one', '    |     ^^^', '  4 | COPY a    b \\', '  5 |   c'].join('\n'),
  );
});

test('a range of several lines is underlined on each; tabs are spaces', (t) => {
  const frame = formatFrame(SOURCE, { start: { line: 4, column: 7 }, end: { line: 5, column: 3 } });
  t.is(
    frame,
    [
      '  2 |',
      '  3 | RUN one',
      '> 4 | COPY a    b \\',
      '    |           ^^^',
      '> 5 |   c',
      '    |   ^',
      '  6 | CMD x',
      '  7 | USER y',
    ].join('\n'),
  );
});

test('carets stand below exactly the characters that are meant', (t) => {
  const caretsOf = (line: string, word: string): string => {
    const column = line.indexOf(word);
    const range = { start: { line: 1, column }, end: { line: 1, column: column + word.length } };
    const [, carets = ''] = formatFrame(`${line}\r\nCMD x\r\n`, range)
      .split('\n')
      .map((text) => text.slice(6));
    return carets;
  };
  t.is(caretsOf('COPY 東京 /x', '東京'), `${' '.repeat(5)}^^^^`, 'wide characters take two columns');
  t.is(caretsOf('COPY 東京 /x', '/x'), `${' '.repeat(10)}^^`);
  t.is(caretsOf('COPY cafe\u0301 /x', '/x'), `${' '.repeat(10)}^^`, 'a combining accent takes none');
  t.is(caretsOf('RUN 😀 x', 'x'), `${' '.repeat(7)}^`, 'a pair of surrogates is one character');
  t.is(caretsOf('\tRUN\tx', 'x'), `${' '.repeat(11)}^`);
  t.is(caretsOf('RUN \x1b[31mred', 'red'), `${' '.repeat(9)}^^^`, 'control characters are shown');
  t.is(caretsOf('RUN \u202ered', 'red'), `${' '.repeat(5)}^^^`, 'so are marks that reorder text');
});

test('a frame shows its text in the order in which it is read', (t) => {
  const range = { start: { line: 1, column: 0 }, end: { line: 1, column: 3 } };
  const frame = formatFrame('RUN \u202e\u2066x\n', range);
  t.true(frame.includes('RUN \ufffd\ufffdx'), frame);
  t.is(cleanLines('a\u202e\tb\n\x1bc'), 'a\tb\nc');
});

test('of a long line the part around the token is shown', (t) => {
  const line = `RUN ${'x'.repeat(1_000)} here ${'y'.repeat(1_000)}`;
  const column = line.indexOf('here');
  const [shown = '', carets = ''] = formatFrame(line, {
    start: { line: 1, column },
    end: { line: 1, column: column + 4 },
  }).split('\n');
  t.is(shown.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1), 'here');
  t.true(shown.length < 250);
});

test('long lines and long ranges are cut', (t) => {
  const long = `RUN ${'x'.repeat(5_000)}\n`.repeat(40);
  const frame = formatFrame(long, { start: { line: 2, column: 0 }, end: { line: 39, column: 5_004 } });
  t.true(frame.length < 8_000);
  t.is(frame.split('\n').filter((line) => line.startsWith('>')).length, 8);
});

test('thousands of frames of one file take no longer than they are many', async (t) => {
  const makeSource = (count: number) => Array.from({ length: count }, (_, i) => `RUNN echo ${i}`).join('\n');
  const [short, source] = [makeSource(1000), makeSource(10_000)];
  const formatFrames = (text: string, count: number) => {
    for (let line = 1; line <= count; line++)
      formatFrame(text, { start: { line, column: 0 }, end: { line, column: 4 } });
  };
  await assertLinear(t, {
    small: () => formatFrames(short, 1000),
    large: () => formatFrames(source, 10_000),
    times: 10,
  });
  t.regex(formatFrame(source, { start: { line: 7, column: 0 }, end: { line: 7, column: 4 } }), /^> 7 \| RUNN echo 6$/m);
  // Another file is looked at anew.
  t.is(
    formatFrame('A\nB', { start: { line: 2, column: 0 }, end: { line: 2, column: 1 } }),
    '  1 | A\n> 2 | B\n    | ^',
  );
});

test('the end of the file is no line', (t) => {
  const frame = formatFrame('a\nb\n', { start: { line: 2, column: 0 }, end: { line: 2, column: 1 } });
  t.is(frame, ['  1 | a', '> 2 | b', '    | ^'].join('\n'));
});

test('a place outside the source does no harm', (t) => {
  t.notThrows(() => formatFrame('', { start: { line: 9, column: 9 }, end: { line: 9, column: 10 } }));
  t.is(syntaxError('x').frame, '');
});

test('an error is given its place where it was missing, and keeps the one it has', (t) => {
  const range = { start: { line: 3, column: 4 }, end: { line: 3, column: 7 } };
  const other = { start: { line: 1, column: 0 }, end: { line: 1, column: 1 } };
  const error = syntaxError('bad', range, 'do this').locate({ file: 'D', range: other, source: SOURCE });
  t.true(error instanceof DockerfileError);
  t.like(error, { code: 'DOCKERFILE_SYNTAX', message: 'bad', hint: 'do this', file: 'D', range });
  t.deepEqual(error.details, { file: 'D', line: 3, column: 5 });
  t.true(error.frame.startsWith('D:3:5\n'));
});

test('suggests what is near', (t) => {
  const names = ['run', 'copy', 'from', 'entrypoint', 'healthcheck'];
  const cases: Readonly<Record<string, string | undefined>> = {
    RNU: 'run',
    cpoy: 'copy',
    form: 'from',
    entripoint: 'entrypoint',
    helthchek: 'healthcheck',
    xyz: undefined,
    '': undefined,
    c: undefined,
    running: undefined,
  };
  for (const [word, expected] of Object.entries(cases)) t.is(suggest(word, names), expected, word);
});
