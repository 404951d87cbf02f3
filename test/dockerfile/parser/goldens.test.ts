import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import type { DockerfileNode, InstructionNode } from '../../../src/dockerfile/parser/index.ts';
import { parseDockerfile } from '../../../src/dockerfile/parser/index.ts';
import type { SourceRange } from '../../../src/dockerfile/position.ts';

/** `UPDATE_GOLDENS=1` writes what the parser says now; then read the difference. */
const UPDATE = process.env.UPDATE_GOLDENS === '1';
const FIXTURES = resolve(import.meta.dirname, '../../../../fixtures');

for (const name of readdirSync(join(FIXTURES, 'parser')))
  test(`parses ${name}`, (t) => {
    const { source, check } = openGolden('parser', name);
    const { ast, diagnostics } = parseDockerfile(source);
    t.deepEqual(
      diagnostics.filter((diagnostic) => diagnostic.severity === 'error'),
      [],
    );
    check(t, { ...dumpTree(ast), warnings: diagnostics.map(dumpDiagnostic) });
  });

for (const name of readdirSync(join(FIXTURES, 'parser-negative')))
  test(`refuses ${name}`, (t) => {
    const { source, check } = openGolden('parser-negative', name);
    const { diagnostics } = parseDockerfile(source);
    t.true(diagnostics.some((diagnostic) => diagnostic.severity === 'error'));
    check(t, diagnostics.map(dumpDiagnostic));
  });

interface Golden {
  readonly source: string;
  readonly check: (t: { deepEqual(actual: unknown, expected: unknown): unknown }, actual: object) => void;
}

function openGolden(folder: string, name: string): Golden {
  const file = join(FIXTURES, folder, name, 'expected.json');
  const source = readFileSync(join(FIXTURES, folder, name, 'Dockerfile'), 'utf8');
  return {
    source,
    check: (t, actual) => {
      if (UPDATE || !existsSync(file)) writeFileSync(file, `${JSON.stringify(actual, null, 2)}\n`);
      t.deepEqual(JSON.parse(JSON.stringify(actual)), JSON.parse(readFileSync(file, 'utf8')));
    },
  };
}

function dumpTree(ast: DockerfileNode): object {
  return {
    escape: ast.escape,
    directives: ast.directives.map(({ name, value, range, valueRange }) =>
      [name, value, dumpRange(range), dumpRange(valueRange)].join(' | '),
    ),
    instructions: ast.instructions.map(dumpInstruction),
    range: dumpRange(ast.range),
  };
}

function dumpInstruction(node: InstructionNode): object {
  const tokens = (list: InstructionNode['args']): string[][] =>
    list.map((token) => [token.value, dumpRange(token.range)]);
  return {
    keyword: node.keyword.value,
    ...(node.flags.length === 0 ? {} : { flags: tokens(node.flags) }),
    args: tokens(node.args),
    ...(node.json ? { json: true } : {}),
    ...(node.heredocs.length === 0
      ? {}
      : { heredocs: node.heredocs.map((heredoc) => ({ ...heredoc, range: dumpRange(heredoc.range) })) }),
    ...(node.comments.length === 0 ? {} : { comments: tokens(node.comments) }),
    original: node.original,
    range: dumpRange(node.range),
    ...(node.trigger === undefined ? {} : { trigger: dumpInstruction(node.trigger) }),
  };
}

function dumpDiagnostic(diagnostic: {
  readonly code: string;
  readonly message: string;
  readonly range: SourceRange;
}): string {
  return `${diagnostic.code} ${dumpRange(diagnostic.range)} ${diagnostic.message}`;
}

function dumpRange({ start, end }: SourceRange): string {
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}
