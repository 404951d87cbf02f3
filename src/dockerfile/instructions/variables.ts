import { syntaxError } from '../errors.ts';
import type { InstructionNode } from '../parser/index.ts';
import { readDescriptions, takeSome } from './arguments.ts';
import { parseFlags } from './flags.ts';
import type { ArgInstruction, PairsInstruction } from './types.ts';

/** ENV and LABEL. */
export function parsePairs(node: InstructionNode, kind: 'env' | 'label'): PairsInstruction {
  parseFlags(node, {});
  const args = takeSome(node);
  const pairs: PairsInstruction['pairs'][number][] = [];
  for (let at = 0; at + 2 < args.length; at += 3) {
    const [key, value] = [args[at], args[at + 1]];
    if (key === undefined || value === undefined) break;
    if (key.value === '') throw syntaxError(`${kind.toUpperCase()} names cannot be blank`, key.range);
    const range = { start: key.range.start, end: value.range.end };
    pairs.push({ key: key.value, value: value.value, range });
  }
  return { kind, node, pairs };
}

export function parseArg(node: InstructionNode): ArgInstruction {
  const descriptions = readDescriptions(node);
  const args = takeSome(node).map((token) => {
    const equals = token.value.indexOf('=');
    if (equals === 0) throw syntaxError('ARG names cannot be blank', token.range);
    const name = equals < 0 ? token.value : token.value.slice(0, equals);
    const description = descriptions.get(name);
    return {
      name,
      ...(equals < 0 ? {} : { value: token.value.slice(equals + 1) }),
      ...(description === undefined ? {} : { description }),
      range: token.range,
    };
  });
  return { kind: 'arg', node, args };
}
