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

/** What the comments above tell of each name: `# <name> <text>`; the first of a name counts. */
export function readDescriptions(node: InstructionNode): ReadonlyMap<string, string> {
  const descriptions = new Map<string, string>();
  for (const { value } of node.comments) {
    const space = value.indexOf(' ');
    const name = value.slice(0, space);
    if (space > 0 && !descriptions.has(name)) descriptions.set(name, value.slice(space + 1));
  }
  return descriptions;
}
