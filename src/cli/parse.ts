import { suggest } from '../suggest.ts';
import { type CommandSpec, flagKey, longFlag, type OptionSpec, shortFlag, takesValue } from './command-spec.ts';
import { parseBoolean } from './flags/boolean.ts';
import { invalidFlag, usageError } from './usage-errors.ts';

/** Flags that every command takes, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = [
  { flags: '--root <dir>', description: 'Directory of the store (TSBUILD_ROOT)', completes: 'directory' },
  { flags: '-D, --debug', description: 'Show causes and stacks of errors' },
];

const HELP: OptionSpec = { flags: '-h, --help', description: 'Show this help' };

/** All options of a command. */
export function optionsOf(spec: CommandSpec<never>): readonly OptionSpec[] {
  return [...spec.options, ...GLOBAL_OPTIONS, HELP];
}

export interface ParsedCommand {
  readonly args: readonly string[];
  /** By their names in camel case; `help` when the command's help was asked for. */
  readonly flags: Readonly<Record<string, unknown>>;
}

/**
 * Reads a command's arguments by the rules of pflag, which docker uses: `--flag value`, `--flag=value`, `-f value`, `-fvalue`,
 * `-f=value`, `-qf value`, booleans with a value only behind `=`, flags and arguments in any order, `--` ends flags.
 * Throws `USAGE`, `FLAG_INVALID`.
 */
export function parseCommand(spec: CommandSpec<never>, argv: readonly string[]): ParsedCommand {
  const parser = new Parser(spec, argv);
  const parsed = parser.run();
  if (parsed.flags.help !== true) checkCount(spec, parsed.args.length);
  return parsed;
}

class Parser {
  readonly #spec: CommandSpec<never>;
  readonly #argv: readonly string[];
  readonly #options: readonly OptionSpec[];
  readonly #flags: Record<string, unknown> = {};
  #at = 0;

  constructor(spec: CommandSpec<never>, argv: readonly string[]) {
    this.#spec = spec;
    this.#argv = argv;
    this.#options = optionsOf(spec);
    for (const option of this.#options) if (option.default !== undefined) this.#flags[flagKey(option)] = option.default;
  }

  run(): ParsedCommand {
    const args: string[] = [];
    for (let arg = this.#argv[this.#at++]; arg !== undefined; arg = this.#argv[this.#at++]) {
      if (arg === '--') return { args: [...args, ...this.#argv.slice(this.#at)], flags: this.#flags };
      if (arg.startsWith('--')) this.#takeLong(arg);
      else if (arg.startsWith('-') && arg !== '-') this.#takeShort(arg);
      else args.push(arg);
    }
    return { args, flags: this.#flags };
  }

  #takeLong(arg: string): void {
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const option = this.#options.find((candidate) => longFlag(candidate) === name);
    if (option === undefined) throw this.#unknown(name);
    const value = equals < 0 ? undefined : arg.slice(equals + 1);
    this.#set(option, takesValue(option) ? (value ?? option.implied ?? this.#nextValue(option)) : value);
  }

  /** One letter, or several booleans' and perhaps one that takes the rest as its value. */
  #takeShort(arg: string): void {
    for (let at = 1; at < arg.length; at++) {
      const name = `-${arg[at]}`;
      const option = this.#options.find((candidate) => shortFlag(candidate) === name);
      if (option === undefined) throw this.#unknown(arg.length === 2 ? name : `${name} in ${arg}`);
      const rest = arg.slice(at + 1);
      if (takesValue(option)) {
        const value = rest.startsWith('=') ? rest.slice(1) : rest;
        this.#set(option, rest === '' ? this.#nextValue(option) : value);
        return;
      }
      if (rest.startsWith('=')) {
        this.#set(option, rest.slice(1));
        return;
      }
      this.#set(option, undefined);
    }
  }

  #nextValue(option: OptionSpec): string {
    const value = this.#argv[this.#at++];
    if (value === undefined) throw usageError(`flag needs a value: ${describeFlag(option)}`, this.#seeHelp());
    return value;
  }

  #set(option: OptionSpec, value: string | undefined): void {
    const key = flagKey(option);
    if (!takesValue(option)) {
      const { words = [] } = option;
      if (value !== undefined && words.includes(value)) {
        this.#flags[key] = value;
        return;
      }
      const on = value === undefined ? true : parseBoolean(value);
      if (on === undefined) {
        const near = suggest(value ?? '', words);
        const what = ['true', 'false', ...words];
        const hint = near === undefined ? undefined : `did you mean ${near}?`;
        throw invalidFlag(
          describeFlag(option),
          value ?? '',
          `it must be ${what.slice(0, -1).join(', ')} or ${what.at(-1)}`,
          hint,
        );
      }
      if (option.means === undefined) this.#flags[key] = on;
      else if (on) this.#takeLong(option.means);
      return;
    }
    const text = value ?? '';
    const { choices, parse } = option;
    if (choices !== undefined && !choices.includes(text)) {
      const near = suggest(text, choices);
      const hint = near === undefined ? undefined : `did you mean ${near}?`;
      throw invalidFlag(describeFlag(option), text, `it must be one of ${choices.join(', ')}`, hint);
    }
    this.#flags[key] = parse === undefined ? text : parse(text, this.#flags[key]);
  }

  #unknown(flag: string): Error {
    const names = this.#options.filter((option) => !option.hidden).map(longFlag);
    const near = flag.startsWith('--') ? suggest(flag, names) : undefined;
    return usageError(`unknown flag: ${flag}`, near === undefined ? this.#seeHelp() : `did you mean ${near}?`);
  }

  #seeHelp(): string {
    return `see 'tsbuild ${this.#spec.name} --help'`;
  }
}

function describeFlag(option: OptionSpec): string {
  const short = shortFlag(option);
  return short === undefined ? longFlag(option) : `${short}, ${longFlag(option)}`;
}

function checkCount(spec: CommandSpec<never>, count: number): void {
  const { minArgs, maxArgs = Number.POSITIVE_INFINITY } = spec;
  if (count >= minArgs && count <= maxArgs) return;
  const limit = count < minArgs ? minArgs : maxArgs;
  const bound = minArgs === maxArgs ? '' : count < minArgs ? 'at least ' : 'at most ';
  throw usageError(
    `tsbuild ${spec.name} takes ${bound}${limit === 0 ? 'no' : limit} argument${limit === 1 ? '' : 's'}, and got ${count}`,
    `usage: tsbuild ${spec.name} ${spec.usage}`,
  );
}
