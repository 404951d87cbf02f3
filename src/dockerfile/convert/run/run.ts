import { type EnvList, execState, fileState, InputList, type State } from '../../../llb/index.ts';
import { redactUrls } from '../../../remote-url/index.ts';
import { syntaxError } from '../../errors.ts';
import type { CommandLine, RunInstruction } from '../../instructions/index.ts';
import { chompTabs, isHeredocMark } from '../../parser/heredoc.ts';
import type { HeredocNode } from '../../parser/index.ts';
import { findBuildArg, type StageCommand } from '../../stages/index.ts';
import { trimSpace } from '../../text.ts';
import { type Conversion, describe, placeOf, type StageDraft } from '../draft.ts';
import { addLazyHistory } from '../image/image.ts';
import { shellCommand } from '../image/shell-command.ts';
import { describeLine, nameStep } from '../names.ts';
import { convertMounts } from './mounts.ts';
import { proxyVariables } from './proxy.ts';
import { addAgentVariable, showSecretVariables } from './secrets.ts';

/** Where a heredoc with a `#!` of its own is mounted. */
const SCRIPT_DIRECTORY = '/dev/pipes/';

export function convertRun(
  conversion: Conversion,
  draft: StageDraft,
  instruction: RunInstruction,
  command: StageCommand,
): void {
  const { request } = conversion;
  const script = readScript(conversion, instruction, command);
  const args = shellCommand(draft.image, script.command);
  if (args.length === 0) throw syntaxError('RUN has no command', placeOf(command));

  const inputs = new InputList();
  const base = inputs.add(draft.state);
  const scriptInput = script.file === undefined ? undefined : inputs.add(script.file);
  const mounts = convertMounts(conversion, draft, instruction, command, inputs);
  const line = trimSpace(instruction.node.original) + script.summary;
  const options = { escape: conversion.graph.escape, rawQuotes: true, keepUnset: true };
  const name = nameStep(
    conversion,
    draft,
    describeLine({ env: showSecretVariables(draft.env, mounts) }, line, options),
    command.isTrigger,
  );
  const proxyEnv = proxyVariables(request.buildArgs);
  const hostname = findBuildArg(request.buildArgs, 'BUILDKIT_SANDBOX_HOSTNAME');
  draft.state = execState(
    inputs.states,
    {
      platform: draft.platform,
      meta: {
        args,
        env: addAgentVariable(draft.env, mounts),
        cwd: draft.cwd,
        user: draft.user,
        ...(proxyEnv.length === 0 ? {} : { proxyEnv }),
        ...(hostname === undefined ? {} : { hostname }),
        ...(request.extraHosts?.length ? { extraHosts: request.extraHosts } : {}),
      },
      mounts: [
        { type: 'bind', input: base, target: '/', selector: '/', readonly: false, output: 0 },
        ...(scriptInput === undefined
          ? []
          : [
              {
                type: 'bind',
                input: scriptInput,
                target: SCRIPT_DIRECTORY.slice(0, -1),
                written: SCRIPT_DIRECTORY,
                selector: '/',
                readonly: true,
                output: -1,
              } as const,
            ]),
        ...mounts,
      ],
      network: instruction.network === 'default' ? (request.network ?? 'default') : instruction.network,
      security: instruction.security,
      ...(instruction.devices.length === 0 ? {} : { devices: instruction.devices }),
    },
    {
      ...describe(conversion, name, command.range, draft.ignoreCache),
      inputNames: inputs.names,
      buildArgs: draft.buildArgs,
    },
  );
  const { buildArgs, env } = draft;
  addLazyHistory(draft.image, () => `RUN ${[...describeArgs(buildArgs, env), ...args].join(' ')} # buildkit`);
}

interface Script {
  readonly command: CommandLine;
  /** A tree with the file that is run. */
  readonly file?: State;
  /** ` (first line...)`, for the vertex name. */
  readonly summary: string;
}

/**
 * Heredocs of RUN. One and nothing else is the script itself, run by the shell or by its own `#!`; with other words beside
 * it, the whole text is put back together for the shell, which reads heredocs itself.
 */
function readScript(conversion: Conversion, instruction: RunInstruction, command: StageCommand): Script {
  const { command: given, node } = instruction;
  const [first] = node.heredocs;
  const [line] = given.args;
  if (first === undefined) return { command: given, summary: '' };
  if (line === undefined || given.args.length !== 1 || !given.shell)
    throw syntaxError('a heredoc needs RUN in shell form', placeOf(command));
  if (!isHeredocMark(line)) {
    const texts = node.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`);
    return { command: { args: [line + texts.join('')], shell: true }, summary: '' };
  }
  const data = first.chomp ? chompTabs(first.content) : first.content;
  const summary = ` (${summarize(first)})`;
  // Read before the tabs of `<<-` are taken off, as BuildKit does: an indented #! is a comment for the shell.
  if (!first.content.startsWith('#!')) return { command: { args: [data], shell: true }, summary };
  const file = fileState(
    [],
    -1,
    [{ type: 'mkfile', path: `/${first.name}`, mode: 0o755, data }],
    describe(conversion, '[internal] preparing inline document', command.range),
  );
  return { command: { args: [SCRIPT_DIRECTORY + first.name], shell: true }, file, summary };
}

function summarize(heredoc: HeredocNode): string {
  const [first = '', ...more] = trimSpace(heredoc.content).split(/\r?\n/);
  return more.length > 0 ? `${first}...` : first;
}

/** `|2 a=1 b=2`: the declared arguments with their values of this moment, as they are part of what the step is. */
function describeArgs(buildArgs: EnvList, env: EnvList): string[] {
  const values = Array.from(buildArgs.entries(), ([name, value]) => redactUrls(`${name}=${env.get(name) ?? value}`));
  return values.length === 0 ? [] : [`|${values.length}`, ...values];
}
