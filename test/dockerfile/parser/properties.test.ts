import test from 'ava';
import type { InstructionNode } from '../../../src/dockerfile/parser/index.ts';
import { parseDockerfile } from '../../../src/dockerfile/parser/index.ts';
import type { Position, SourceRange } from '../../../src/dockerfile/position.ts';
import { assertLinear } from '../../support/growth.ts';
import { fc } from '../../support/properties.ts';

/** Text made of the pieces that mean something to the grammar, so that odd combinations are met often. */
const PIECES = [
  'FROM x',
  'RUN ',
  'COPY ',
  'ENV ',
  'ONBUILD ',
  'HEALTHCHECK CMD ',
  'ARG a=',
  'LABEL ',
  'SHELL ',
  'CMD ',
  '\n',
  '\r\n',
  '\\\n',
  ' ',
  '\t',
  '#',
  '# escape=`\n',
  '`\n',
  '\ufeff',
  '#!',
  '\u0085',
  '\u00a0',
  '\v',
  '<<EOF',
  '<<-EOF',
  'EOF\n',
  "<<'E",
  '--from=',
  '--x="',
  '"',
  "'",
  '\\',
  '`',
  '$a',
  '${a',
  '}',
  '=',
  '[',
  ']',
  '"a",',
  'é',
  '😀',
  '\ud800',
  'word',
  '--',
  '1',
  '[1]',
  '["a"]',
  '<<',
];
const source = fc.oneof(
  { weight: 5, arbitrary: fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((parts) => parts.join('')) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
);

test('never throws, and refuses a file without instructions', (t) => {
  fc.assert(
    fc.property(source, (text) => {
      const { ast, diagnostics } = parseDockerfile(text);
      if (ast.instructions.length === 0)
        t.true(
          diagnostics.some((diagnostic) => diagnostic.severity === 'error'),
          JSON.stringify(text),
        );
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('every range lies in the source and in its parent, in order', (t) => {
  fc.assert(
    fc.property(source, (text) => {
      const lines = text.split('\n');
      const { ast, diagnostics } = parseDockerfile(text);
      for (const { range } of diagnostics) checkRange(range, lines);
      let end: Position = { line: 1, column: 0 };
      for (const node of ast.instructions) {
        checkNode(node, lines);
        if (isBefore(node.range.start, end)) throw new Error('instructions overlap');
        end = node.range.end;
      }
    }),
    // Empty tokens beside a mark of continuation once lay on the next line, outside their instruction.
    { numRuns: 3000, examples: [['\\\n\t\\'], ['\\\n \\\n'], ['ENV FROM x\\\n\\']] },
  );
  t.pass();
});

test('what no range covers is a comment or blank', (t) => {
  fc.assert(
    fc.property(source, (text) => {
      const { ast, diagnostics } = parseDockerfile(text);
      // What is refused is in no tree.
      if (diagnostics.some(({ severity }) => severity === 'error')) return;
      const lines = text.split('\n');
      const covered = lines.map((line) => new Uint8Array(line.length));
      for (const { range } of [...ast.instructions, ...ast.directives]) cover(covered, range);
      for (const [index, line] of lines.entries()) {
        const outside = line
          .split('')
          .filter((_, column) => covered[index]?.[column] === 0)
          .join('');
        const bare = outside.replace(/^\ufeff/, '').replace(/^[\s\u0085]*/, '');
        // A mark of continuation at the end of an instruction stands after it.
        if (bare !== '' && !bare.startsWith('#') && !/^[\\`\s]*$/.test(bare))
          throw new Error(`${JSON.stringify(outside)} of line ${index + 1} is in no range: ${JSON.stringify(text)}`);
      }
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('the text under a token of one line is the token', (t) => {
  fc.assert(
    fc.property(source, (text) => {
      const lines = text.split('\n');
      for (const node of parseDockerfile(text).ast.instructions) {
        if (node.json || node.trigger !== undefined) continue;
        for (const token of [node.keyword, ...node.args]) {
          const { start, end } = token.range;
          if (start.line !== end.line || token.value === '') continue;
          // An escape at the very end of the line is dropped from the value.
          const under = (lines[start.line - 1] ?? '').slice(start.column, end.column);
          if (!under.startsWith(token.value) || under.length > token.value.length + 1)
            throw new Error(`${JSON.stringify(token.value)} is ${JSON.stringify(under)}`);
        }
      }
    }),
    { numRuns: 3000 },
  );
  t.pass();
});

test('white space around a line and its case change nothing but places', (t) => {
  const line = fc.array(fc.constantFrom('a', 'b=c', '"d e"', '/x', '--', 'x y'), { minLength: 1, maxLength: 5 });
  const keyword = fc.constantFrom('RUN', 'COPY', 'LABEL', 'EXPOSE', 'USER', 'CMD');
  fc.assert(
    fc.property(keyword, line, fc.constantFrom('', ' ', '\t', ' \t '), (name, words, pad) => {
      const plain = parseDockerfile(`${name} ${words.join(' ')}`);
      const padded = parseDockerfile(`${pad}${name.toLowerCase()}\t ${words.join(' ')}${pad}\r\n`);
      const values = (nodes: readonly InstructionNode[]) => nodes.map((node) => node.args.map((token) => token.value));
      t.deepEqual(values(padded.ast.instructions), values(plain.ast.instructions));
    }),
    { numRuns: 500 },
  );
});

test('a line may have 65,535 bytes and not one more', (t) => {
  const atLimit = `FROM x\nRUN ${'a'.repeat(65_531)}\r\nRUN b`;
  t.is(errors(atLimit.replace('\r', '')), 0);
  t.is(errors(atLimit), 1, 'a carriage return counts');
  t.is(errors(`FROM x\nRUN ${'é'.repeat(32_765)}a`), 0, 'bytes, not characters');
  t.is(errors(`FROM x\nRUN ${'é'.repeat(32_766)}`), 1);
  t.is(errors(`FROM x\nRUN ${'a \\\n'.repeat(40_000)} b`), 0, 'a line may be continued further than that');
});

test('ten thousand lines parse in time that grows with their number', async (t) => {
  const lines = (count: number): string =>
    Array.from({ length: count }, (_, index) =>
      index === 0
        ? 'FROM x'
        : ['RUN make a \\', '  b # c', `ENV A${index}="x y" B=2`, 'COPY --from=a b c /d/', '# text', 'CMD ["a","b"]'][
            index % 6
          ],
    ).join('\n');
  const [small, large] = [lines(10_000), lines(60_000)];
  await assertLinear(t, { small: () => parseDockerfile(small), large: () => parseDockerfile(large), times: 6 });
});

function errors(text: string): number {
  return parseDockerfile(text).diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
}

function checkNode(node: InstructionNode, lines: readonly string[]): void {
  checkRange(node.range, lines);
  const parts = [node.keyword, ...node.flags, ...node.args, ...node.heredocs];
  for (const part of parts) {
    checkRange(part.range, lines);
    if (isBefore(part.range.start, node.range.start) || isBefore(node.range.end, part.range.end))
      throw new Error(`a part lies outside its instruction ${JSON.stringify(node)}`);
  }
  if (node.trigger !== undefined) checkNode(node.trigger, lines);
}

/** Marks what a range covers; throws where another has covered it. */
function cover(covered: readonly Uint8Array[], { start, end }: SourceRange): void {
  for (let line = start.line; line <= end.line; line++) {
    const cells = covered[line - 1];
    const from = line === start.line ? start.column : 0;
    const to = line === end.line ? end.column : (cells?.length ?? 0);
    for (let column = from; column < to; column++) {
      if (cells?.[column] === 1) throw new Error(`${line}:${column} is in two ranges`);
      if (cells !== undefined) cells[column] = 1;
    }
  }
}

function checkRange({ start, end }: SourceRange, lines: readonly string[]): void {
  if (isBefore(end, start)) throw new Error('a range ends before it starts');
  for (const { line, column } of [start, end]) {
    const text = lines[line - 1];
    if (text === undefined || column < 0 || column > text.length)
      throw new Error(`${line}:${column} is not in the source`);
  }
}

function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.column < b.column);
}
