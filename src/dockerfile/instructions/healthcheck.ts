import { parseDuration } from '../../quantities.ts';
import { syntaxError } from '../errors.ts';
import type { InstructionNode } from '../parser/index.ts';
import { takeSome } from './arguments.ts';
import { type FlagKind, type Flags, parseFlags } from './flags.ts';
import type { HealthcheckInstruction } from './types.ts';

const FLAGS: Readonly<Record<string, FlagKind>> = {
  interval: 'string',
  timeout: 'string',
  'start-period': 'string',
  'start-interval': 'string',
  retries: 'string',
};
const MIN_DURATION = 1e6;

export function parseHealthcheck(node: InstructionNode): HealthcheckInstruction {
  const [type, ...command] = takeSome(node);
  const kind = type?.value.toUpperCase();
  if (kind === 'NONE') {
    if (command.length > 0) throw syntaxError('HEALTHCHECK NONE takes no arguments', command[0]?.range);
    return { kind: 'healthcheck', node, health: { Test: ['NONE'] } };
  }
  const flags = parseFlags(node, FLAGS);
  if (kind !== 'CMD')
    throw syntaxError(`unknown type ${JSON.stringify(kind)} of HEALTHCHECK, expected CMD or NONE`, type?.range);
  if (command.length === 0) throw syntaxError('HEALTHCHECK CMD has no command', node.range);
  const interval = readDuration(flags, 'interval');
  const timeout = readDuration(flags, 'timeout');
  const startPeriod = readDuration(flags, 'start-period');
  const startInterval = readDuration(flags, 'start-interval');
  const retries = readRetries(flags);
  return {
    kind: 'healthcheck',
    node,
    health: {
      Test: [node.json ? 'CMD' : 'CMD-SHELL', ...command.map((token) => token.value)],
      ...(interval === 0 ? {} : { Interval: interval }),
      ...(timeout === 0 ? {} : { Timeout: timeout }),
      ...(startPeriod === 0 ? {} : { StartPeriod: startPeriod }),
      ...(startInterval === 0 ? {} : { StartInterval: startInterval }),
      ...(retries === 0 ? {} : { Retries: retries }),
    },
  };
}

function readDuration(flags: Flags, name: string): number {
  const token = flags.token(name);
  if (token === undefined || token.value === '') return 0;
  const duration = parseDuration(token.value);
  if (duration === undefined)
    throw syntaxError(`--${name} is ${JSON.stringify(token.value)}, not a duration such as 30s`, token.range);
  if (duration !== 0 && duration < MIN_DURATION) throw syntaxError(`--${name} cannot be less than 1ms`, token.range);
  return duration;
}

function readRetries(flags: Flags): number {
  const token = flags.token('retries');
  if (token === undefined || token.value === '') return 0;
  const retries = /^[-+]?\d+$/.test(token.value) ? Number(token.value) : Number.NaN;
  if (!(retries >= 0 && retries <= 0x7fffffff))
    throw syntaxError(`--retries is ${JSON.stringify(token.value)}, not a number from 0`, token.range);
  return retries;
}
