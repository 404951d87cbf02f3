import { syntaxError } from '../errors.ts';
import type { InstructionNode } from '../parser/index.ts';
import { parseDevice } from './device.ts';
import { parseFlags } from './flags.ts';
import { checkMountFrom } from './mount.ts';
import type { CommandInstruction, CommandLine, RunInstruction, ShellInstruction } from './types.ts';

export function parseRun(node: InstructionNode): RunInstruction {
  const flags = parseFlags(node, { mount: 'strings', network: 'string', security: 'string', device: 'strings' });
  const mounts = flags.all('mount');
  for (const mount of mounts) checkMountFrom(mount);
  const network = flags.token('network')?.value ?? 'default';
  if (network !== 'default' && network !== 'none' && network !== 'host')
    throw syntaxError(
      `unsupported network mode ${JSON.stringify(flags.text('network'))}, expected default, none or host`,
      flags.token('network')?.range,
    );
  const security = flags.token('security')?.value ?? 'sandbox';
  if (security !== 'sandbox' && security !== 'insecure')
    throw syntaxError(
      `security ${JSON.stringify(flags.text('security'))} is not valid, expected sandbox or insecure`,
      flags.token('security')?.range,
    );
  return {
    kind: 'run',
    node,
    command: commandLine(node),
    mounts,
    network,
    security,
    devices: flags.all('device').map(parseDevice),
  };
}

/** CMD and ENTRYPOINT. */
export function parseCommand(node: InstructionNode, kind: 'cmd' | 'entrypoint'): CommandInstruction {
  parseFlags(node, {});
  return { kind, node, command: commandLine(node) };
}

export function parseShell(node: InstructionNode): ShellInstruction {
  parseFlags(node, {});
  if (node.args.length === 0) throw syntaxError('SHELL requires at least one argument', node.range);
  if (!node.json)
    throw syntaxError(
      'SHELL requires its arguments as a JSON array',
      node.args[0]?.range,
      'SHELL ["executable", "-c"]',
    );
  return { kind: 'shell', node, shell: node.args.map((token) => token.value) };
}

function commandLine(node: InstructionNode): CommandLine {
  return { args: node.args.map((token) => token.value), shell: !node.json };
}
