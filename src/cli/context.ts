import { cleanLines } from '../progress/terminal-tail.ts';
import { parseBoolean } from './flags/boolean.ts';
import type { Library } from './library.ts';
import { invalidFlag } from './usage-errors.ts';

/** What a command has of the world. */
export interface Context {
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  /** Aborts at Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** `--root`. */
  readonly root: string | undefined;
  /** `--debug`. */
  readonly debug: boolean;
  /** The library, loaded when first asked for. */
  library(): Promise<Library>;
}

/** Writes a line of result. */
export function printLine(context: Context, text: string): void {
  context.stdout.write(`${cleanLines(text)}\n`);
}

/** The options that every call of the library takes. */
export function libraryOptions(context: Context): {
  readonly root?: string;
  readonly offline: boolean;
  readonly signal: AbortSignal;
} {
  return {
    signal: context.signal,
    offline: readSwitch(context, 'TSBUILD_OFFLINE'),
    ...(context.root === undefined ? {} : { root: context.root }),
  };
}

/** A boolean variable of the environment; empty is not set. Throws `FLAG_INVALID`. */
export function readSwitch({ env }: Pick<Context, 'env'>, name: string): boolean {
  const text = env[name] ?? '';
  const on = text === '' ? false : parseBoolean(text);
  if (on === undefined) throw invalidFlag(name, text, 'it must be true or false');
  return on;
}
