import { syntaxError } from '../errors.ts';
import type { InstructionNode } from '../parser/index.ts';
import { trimSpace } from '../text.ts';
import { takeOne, takeSome } from './arguments.ts';
import { parseFlags } from './flags.ts';
import type { ListInstruction, OnbuildInstruction, TextInstruction } from './types.ts';

/** USER, WORKDIR, STOPSIGNAL and MAINTAINER. */
export function parseText(node: InstructionNode, kind: TextInstruction['kind']): TextInstruction {
  const value = takeOne(node);
  // BuildKit never looks at STOPSIGNAL's flags.
  if (kind !== 'stopsignal') parseFlags(node, {});
  return { kind, node, value };
}

export function parseExpose(node: InstructionNode): ListInstruction {
  const values = takeSome(node);
  parseFlags(node, {});
  const sorted = values.toSorted((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
  return { kind: 'expose', node, values: sorted };
}

export function parseVolume(node: InstructionNode): ListInstruction {
  const tokens = takeSome(node);
  parseFlags(node, {});
  const values = tokens.map((token) => ({ value: trimSpace(token.value), range: token.range }));
  const empty = values.find((token) => token.value === '');
  if (empty !== undefined) throw syntaxError('VOLUME cannot be an empty string', empty.range);
  return { kind: 'volume', node, values };
}

export function parseOnbuild(node: InstructionNode): OnbuildInstruction {
  takeSome(node);
  parseFlags(node, {});
  const trigger = node.trigger?.name ?? '';
  if (trigger === 'onbuild') throw syntaxError('ONBUILD cannot hold another ONBUILD', node.trigger?.keyword.range);
  if (trigger === 'maintainer' || trigger === 'from')
    throw syntaxError(`ONBUILD cannot hold ${trigger.toUpperCase()}`, node.trigger?.keyword.range);
  const heredocs = node.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`);
  const expression = node.original.replace(/^\s*ONBUILD\s*/i, '') + heredocs.join('');
  return { kind: 'onbuild', node, expression };
}
