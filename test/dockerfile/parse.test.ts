import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { parseDockerfile } from '../../src/dockerfile/parse.ts';
import { fc } from '../support/properties.ts';

/** `UPDATE_GOLDENS=1` writes what is said now; then read the difference. */
const UPDATE = process.env.UPDATE_GOLDENS === '1';
const REFUSED = resolve(import.meta.dirname, '../../../fixtures/refused');

/** Files whose instructions are wrong on purpose: the parser does not mind. */
const ONLY_PARSED = ['arg-names', 'flags', 'healthcheck', 'heredocs-that-are-none', 'onbuild', 'unknown-instructions'];

for (const name of readdirSync(REFUSED))
  test(`refuses ${name}, with all that is wrong`, (t) => {
    const file = join(REFUSED, name, 'expected.json');
    const errors = listErrors(readFileSync(join(REFUSED, name, 'Dockerfile'), 'utf8'));
    if (UPDATE || !existsSync(file)) writeFileSync(file, `${JSON.stringify(errors, null, 2)}\n`);
    t.true(errors.length > 0);
    t.deepEqual(errors, JSON.parse(readFileSync(file, 'utf8')));
  });

test('what the parser reads is good for the instructions too, where it is meant to be', (t) => {
  const folder = join(REFUSED, '../parser');
  const refused = readdirSync(folder).filter(
    (name) => listErrors(readFileSync(join(folder, name, 'Dockerfile'), 'utf8')).length > 0,
  );
  t.deepEqual(refused, ONLY_PARSED);
});

test('never throws, and all that it says lies in the file', (t) => {
  const word = fc.constantFrom(
    'FROM',
    'RUN',
    'COPY',
    'ADD',
    'ENV',
    'ARG',
    'HEALTHCHECK',
    'ONBUILD',
    'EXPOSE',
    'VOLUME',
    'SHELL',
    'FOO',
    'x',
    'a=b',
    '--mount=',
    '--mount=type=cache,target=/x',
    '--from=$a',
    '--interval=1',
    '--link',
    '["a"]',
    '[1]',
    '<<E',
    '=',
    '\n',
    ' ',
    'AS',
    '\\\n',
    '"',
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 30 }), (words) => {
      const text = words.join(' ').replaceAll('\n ', '\n');
      const lines = text.split('\n');
      const { diagnostics } = parseDockerfile(text);
      for (const { range } of diagnostics)
        for (const { line, column } of [range.start, range.end])
          t.true(line >= 1 && line <= lines.length && column >= 0 && column <= (lines[line - 1]?.length ?? -1), text);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

function listErrors(source: string): string[] {
  return parseDockerfile(source)
    .diagnostics.filter(({ severity }) => severity === 'error')
    .map(({ code, message, hint, range: { start, end } }) => {
      const place = `${start.line}:${start.column}-${end.line}:${end.column}`;
      return `${code} ${place} ${message}${hint === undefined ? '' : ` (${hint})`}`;
    });
}
