import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { RULES } from '../../../src/dockerfile/lint/index.ts';

test('the README lists every rule, in the words of tsbuild help checks', (t) => {
  const readme = readFileSync(join(resolve(import.meta.dirname, '../../../..'), 'README.md'), 'utf8');
  const [, section = ''] = readme.split('\n## Checks\n');
  const rows = section.split('\n## ')[0]?.match(/^\| `.*$/gm) ?? [];
  const listed = rows.map((row) => row.split('|').map((cell) => cell.trim())).map(([, name, text]) => [name, text]);
  const known = RULES.map(({ name, description, own, experimental }) => [
    `\`${name}\`${experimental ? ' (experimental)' : ''}${own ? ' ¹' : ''}`,
    description,
  ]);
  const order = (rows: readonly (readonly (string | undefined)[])[]) =>
    rows.map((row) => row.join(': ')).toSorted((a, b) => (a < b ? -1 : 1));
  t.deepEqual(order(listed), order(known));
});
