import type { DockerfileError } from './errors.ts';
import { checkInstructions } from './instructions/index.ts';
import { type Diagnostic, type ParseResult, parseDockerfile as parseText } from './parser/index.ts';

/**
 * Parses a Dockerfile and holds its instructions against BuildKit's rules: unknown flags, missing arguments, names of
 * stages, mounts, durations. Never throws: all that is wrong is in the diagnostics, in file order, and the tree holds what
 * could be read. What depends on variables, on other stages or on images is only known when it is built.
 */
export function parseDockerfile(source: string): ParseResult {
  const { ast, diagnostics } = parseText(source);
  const isWhole = !diagnostics.some(({ severity }) => severity === 'error');
  const found = checkInstructions(ast, isWhole).map((error) => describeError(error, ast.range));
  return found.length === 0 ? { ast, diagnostics } : { ast, diagnostics: [...diagnostics, ...found].sort(byPlace) };
}

function describeError({ code, message, hint, range }: DockerfileError, whole: Diagnostic['range']): Diagnostic {
  return { severity: 'error', code, message, range: range ?? whole, ...(hint === undefined ? {} : { hint }) };
}

function byPlace({ range: { start: a } }: Diagnostic, { range: { start: b } }: Diagnostic): number {
  return a.line - b.line || a.column - b.column;
}
