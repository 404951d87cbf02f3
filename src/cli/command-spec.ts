import type { Context } from './context.ts';

/** A command as data: what its help says, what it takes, and the function that does it. */
export interface CommandSpec<Flags = Record<string, unknown>> {
  /** With the words before it: `image inspect`. */
  readonly name: string;
  /** What follows the name: `[OPTIONS] IMAGE [IMAGE...]`. */
  readonly usage: string;
  readonly summary: string;
  /** What help says between options and examples: a sentence or two. */
  readonly notes?: string;
  readonly examples?: readonly string[];
  readonly options: readonly OptionSpec[];
  readonly minArgs: number;
  readonly maxArgs?: number;
  /** What its arguments are; for shell completion. */
  readonly completes?: 'file' | 'directory' | 'image' | 'command' | 'cache-mount' | 'build';
  run(context: Context, args: readonly string[], flags: Flags): Promise<void> | void;
}

export interface OptionSpec {
  /** As help shows it: `-t, --tag <name>`; without `<…>` it is a boolean. */
  readonly flags: string;
  readonly description: string;
  /** Turns one value into the flag's; `previous` is what earlier ones gave. Throws `FLAG_INVALID`. */
  readonly parse?: (value: string, previous: unknown) => unknown;
  /** What a boolean may say behind its `=` besides true and false. */
  readonly words?: readonly string[];
  /** Another flag, with its value, that this boolean is short for: the later of the two counts. */
  readonly means?: string;
  /** Its value where none stands behind `=`; the next word is then never its value. */
  readonly implied?: string;
  /** Absent flags are `undefined`, or this. */
  readonly default?: unknown;
  /** Not shown in help. */
  readonly hidden?: boolean;
  /** The values it takes; for help and completion, checked. */
  readonly choices?: readonly string[];
  /** Values that completion offers beside others that are good too. */
  readonly suggests?: readonly string[];
  /** What its value is; for shell completion. */
  readonly completes?: 'file' | 'directory';
}

/** A command's module. */
export interface CommandModule {
  readonly command: CommandSpec<never>;
}

/** A flag that may be given many times. */
export function collect(value: string, previous: unknown): string[] {
  return [...(Array.isArray(previous) ? (previous as string[]) : []), value];
}

/** The long name of an option: `--tag`. */
export function longFlag(option: OptionSpec): string {
  return /--[a-z-]+/.exec(option.flags)?.[0] ?? option.flags;
}

export function shortFlag(option: OptionSpec): string | undefined {
  return /^-[a-zA-Z]/.exec(option.flags)?.[0];
}

export function takesValue(option: OptionSpec): boolean {
  return option.flags.includes('<');
}

/** The word after the flag is its value, where none stands behind `=`. */
export function takesNextWord(option: OptionSpec): boolean {
  return takesValue(option) && option.implied === undefined;
}

/** What a flag is called in a command's flags: `--build-arg` is `buildArg`. */
export function flagKey(option: OptionSpec): string {
  return longFlag(option)
    .slice(2)
    .replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
