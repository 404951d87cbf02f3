import type { InstructionNode } from '../../parser/index.ts';
import type { Linter } from '../linter.ts';
import { isCheckComment } from '../options.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const InvalidDefinitionDescription: Rule = {
  name: 'InvalidDefinitionDescription',
  description:
    'A comment right above an ARG or a named FROM describes it: # <name> <text>. An empty line or an empty comment between keeps them apart',
  url: docsUrl('invalid-definition-description'),
  experimental: true,
};

/** FROM with a name, and ARG: the last comment above starts with a name that they define. */
export function checkDescription(lint: Linter, node: InstructionNode): void {
  const comment = node.comments.findLast((candidate) => !isCheckComment(candidate));
  const names = listNames(node);
  const [example] = names;
  if (comment === undefined || example === undefined || names.includes(comment.value.split(' ', 1)[0] ?? '')) return;
  const keyword = node.name.toUpperCase();
  const shape = `# ${names.length > 1 ? '<name>' : example} <text>`;
  const message = `the comment above this ${keyword} does not read ${shape}`;
  lint.warn(InvalidDefinitionDescription, message, comment.range);
}

function listNames(node: InstructionNode): string[] {
  if (node.name === 'arg') return node.args.map(({ value }) => value.split('=', 1)[0] ?? '');
  const name = node.args[2]?.value.toLowerCase();
  return name === undefined ? [] : [name];
}
