import { syntaxError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import type { InstructionNode } from '../parser/index.ts';

/** The one argument of an instruction that takes exactly one. */
export function takeOne(node: InstructionNode): Token {
  const [first] = node.args;
  if (first === undefined || node.args.length !== 1)
    throw syntaxError(`${node.name.toUpperCase()} requires exactly one argument`, node.range);
  return first;
}

/** The arguments of an instruction that takes at least one. */
export function takeSome(node: InstructionNode): readonly Token[] {
  if (node.args.length === 0)
    throw syntaxError(`${node.name.toUpperCase()} requires at least one argument`, node.range);
  return node.args;
}

/** The rest of the comment line that starts with `name` and a space. */
export function findDescription(node: InstructionNode, name: string): string | undefined {
  return node.comments.find((comment) => comment.value.startsWith(`${name} `))?.value.slice(name.length + 1);
}
