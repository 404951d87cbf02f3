import type { Command, CommanderError, Option } from 'commander';
import { TsbuildError } from '../errors.ts';
import { suggest } from '../suggest.ts';
import { type CommandSpec, longFlag, type OptionSpec, shortFlag } from './command-spec.ts';
import { negation, normalizeBooleans } from './flags/booleans.ts';
import { invalidFlag, usageError } from './usage-errors.ts';

/** Flags that every command takes, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--root <dir>', description: 'Directory of the store (TSBUILD_ROOT)', completes: 'directory' },
  { flags: '-D, --debug', description: 'Show causes and stacks of errors' },
];

export interface ParsedCommand {
  readonly args: readonly string[];
  readonly flags: Readonly<Record<string, unknown>>;
  /** The command's help was asked for; this is it. */
  readonly help?: string;
}

/** Reads a command's arguments. Throws `USAGE`, `FLAG_INVALID`. */
export async function parseCommand(spec: CommandSpec<never>, argv: readonly string[]): Promise<ParsedCommand> {
  const options = [...spec.options, ...GLOBAL_OPTIONS];
  const command = await createCommander(spec, options);
  let help: string | undefined;
  command.configureOutput({
    writeOut: (text) => {
      help = (help ?? '') + text;
    },
    writeErr: () => {},
  });
  try {
    command.parse(normalizeBooleans(argv, options), { from: 'user' });
  } catch (error) {
    if (help !== undefined) return { args: [], flags: {}, help };
    throw translateError(error as CommanderError | TsbuildError, spec, options);
  }
  const { args } = command;
  checkCount(spec, args.length);
  return { args, flags: command.opts() };
}

async function createCommander(spec: CommandSpec<never>, options: readonly OptionSpec[]): Promise<Command> {
  const commander = await import('commander');
  const command = new commander.Command(`tsbuild ${spec.name}`)
    .usage(spec.usage)
    .description(spec.summary)
    .argument('[args...]')
    .exitOverride()
    .showSuggestionAfterError(false)
    .helpOption('-h, --help', 'Show this help')
    .configureHelp({ visibleArguments: () => [], showGlobalOptions: false });
  for (const option of options) {
    command.addOption(createOption(commander.Option, option));
    if (option.default === true) command.addOption(new commander.Option(negation(option)).hideHelp());
  }
  const examples = spec.examples ?? [];
  if (examples.length > 0)
    command.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}`);
  return command;
}

function createOption(OptionClass: typeof Option, spec: OptionSpec): Option {
  const option = new OptionClass(spec.flags, spec.description);
  if (spec.hidden) option.hideHelp();
  if (spec.default !== undefined) option.default(spec.default);
  const { parse, choices } = spec;
  if (choices !== undefined) {
    option.argParser((value: string) => {
      if (choices.includes(value)) return value;
      const near = suggest(value, choices);
      throw invalidFlag(
        longFlag(spec),
        value,
        `it must be one of ${choices.join(', ')}`,
        near && `did you mean ${near}?`,
      );
    });
  } else if (parse !== undefined) option.argParser(parse);
  return option;
}

function translateError(
  error: CommanderError | TsbuildError,
  spec: CommandSpec<never>,
  options: readonly OptionSpec[],
): Error {
  if (error instanceof TsbuildError) return error;
  const help = `see 'tsbuild ${spec.name} --help'`;
  if (error.code === 'commander.unknownOption') {
    const flag = /'(-[^']*)'/.exec(error.message)?.[1]?.replace(/=.*/, '') ?? '';
    const near = suggest(
      flag,
      options.flatMap((option) => (option.hidden ? [] : [longFlag(option)])),
    );
    return usageError(`unknown flag: ${flag}`, near === undefined ? help : `did you mean ${near}?`);
  }
  if (error.code === 'commander.optionMissingArgument') {
    const given = /option '([^']*)'/.exec(error.message)?.[1] ?? '';
    const option = options.find(({ flags }) => flags === given);
    return usageError(`flag needs a value: ${option === undefined ? given : describeFlag(option)}`, help);
  }
  if (error instanceof Error && typeof error.code === 'string' && error.code.startsWith('commander.'))
    return usageError(error.message.replace(/^error: /, ''), help);
  return error;
}

function describeFlag(option: OptionSpec): string {
  const short = shortFlag(option);
  return short === undefined ? longFlag(option) : `${short}, ${longFlag(option)}`;
}

function checkCount(spec: CommandSpec<never>, count: number): void {
  const { minArgs, maxArgs = Number.POSITIVE_INFINITY } = spec;
  if (count >= minArgs && count <= maxArgs) return;
  const wanted =
    minArgs === maxArgs
      ? `${minArgs === 0 ? 'no' : minArgs} argument${minArgs === 1 ? '' : 's'}`
      : count < minArgs
        ? `at least ${minArgs} argument${minArgs === 1 ? '' : 's'}`
        : `at most ${maxArgs} argument${maxArgs === 1 ? '' : 's'}`;
  throw usageError(
    `tsbuild ${spec.name} takes ${wanted}, and got ${count}`,
    `usage: tsbuild ${spec.name} ${spec.usage}`,
  );
}
