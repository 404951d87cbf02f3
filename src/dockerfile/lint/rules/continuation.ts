import type { DockerfileNode, InstructionNode } from '../../parser/index.ts';
import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const NoEmptyContinuation: Rule = {
  name: 'NoEmptyContinuation',
  description: 'No empty line stands inside a continued instruction; a later version will refuse it',
  url: docsUrl('no-empty-continuation'),
};

/** The parser saw the empty line; BuildKit tells the line that the instruction ends at, heredocs not counted. */
export function checkContinuation(file: Linter, ast: DockerfileNode, emptyLine: SourceRange): void {
  const { line } = emptyLine.start;
  const node = findEndingAfter(ast.instructions, line);
  const comments = node?.comments ?? [];
  const last = node === undefined ? line : lastLine(node);
  const instruction = { start: { line: last, column: 0 }, end: { line: last, column: 0 } };
  const message = 'an empty line inside a continued instruction; a later version will refuse it';
  file.at(instruction, comments).warn(NoEmptyContinuation, message, emptyLine);
}

/** The first instruction that ends after a line: they are in order. */
function findEndingAfter(nodes: readonly InstructionNode[], line: number): InstructionNode | undefined {
  let [low, high] = [0, nodes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((nodes[middle]?.range.end.line ?? 0) > line) high = middle;
    else low = middle + 1;
  }
  return nodes[low];
}

function lastLine(node: InstructionNode): number {
  const heredoc = node.heredocs[0]?.range.start.line;
  return heredoc === undefined ? node.range.end.line : heredoc - 1;
}
