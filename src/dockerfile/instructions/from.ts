import { syntaxError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import type { InstructionNode } from '../parser/index.ts';
import { readDescriptions } from './arguments.ts';
import { parseFlags } from './flags.ts';
import type { FromInstruction } from './types.ts';

const STAGE_NAME = /^[a-z][a-z0-9-_.]*$/;

export function parseFrom(node: InstructionNode): FromInstruction {
  const [base, as, name] = node.args;
  const named = node.args.length === 3 && as?.value.toLowerCase() === 'as';
  if (base === undefined || !(node.args.length === 1 || named))
    throw syntaxError('FROM requires an image, or an image AS a name', node.range);
  const stageName = named && name !== undefined ? checkStageName(name) : undefined;
  const platform = parseFlags(node, { platform: 'string' }).token('platform');
  const description = stageName === undefined ? undefined : readDescriptions(node).get(stageName);
  return {
    kind: 'from',
    node,
    base,
    ...(stageName === undefined ? {} : { stageName }),
    ...(platform === undefined ? {} : { platform }),
    ...(description === undefined ? {} : { description }),
  };
}

function checkStageName(token: Token): string {
  const name = token.value.toLowerCase();
  if (!STAGE_NAME.test(name))
    throw syntaxError(
      `invalid stage name ${JSON.stringify(token.value)}`,
      token.range,
      'a name starts with a letter and holds letters, digits, "-", "_" and "."',
    );
  return name;
}
