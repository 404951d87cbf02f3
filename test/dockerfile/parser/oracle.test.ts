import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { parseDockerfile } from '../../../src/dockerfile/parser/index.ts';

const FIXTURES = resolve(import.meta.dirname, '../../../../fixtures');
/**
 * Where dockerfile-ast, an editor's parser, reads the language otherwise than BuildKit does: words of heredocs, flags that
 * only look like flags, white space, directives, and lines that BuildKit refuses to continue.
 */
const DIFFERENT = new Set([
  'bom-and-shebang',
  'continuations',
  'directives',
  'environment',
  'heredocs',
  'heredocs-that-are-none',
  'indented',
  'old-mac-return',
]);

for (const name of readdirSync(join(FIXTURES, 'parser')))
  if (!DIFFERENT.has(name))
    test(`dockerfile-ast finds the same instructions in ${name}`, async (t) => {
      const { DockerfileParser } = await import('dockerfile-ast');
      const source = readFileSync(join(FIXTURES, 'parser', name, 'Dockerfile'), 'utf8');
      const theirs = DockerfileParser.parse(source)
        .getInstructions()
        .map((instruction) => {
          const { start, end } = instruction.getRange();
          return `${instruction.getKeyword()} ${start.line + 1}:${start.character}-${end.line + 1}`;
        });
      const ours = parseDockerfile(source).ast.instructions.map(({ keyword, range }) => {
        const { start, end } = range;
        return `${keyword.value.toUpperCase()} ${start.line}:${start.column}-${end.line}`;
      });
      t.deepEqual(ours, theirs);
    });
