import type { Library } from './library.ts';

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
  context.stdout.write(`${text}\n`);
}

/** The options that every call of the library takes. */
export function libraryOptions(context: Context): { readonly root?: string; readonly signal: AbortSignal } {
  return { signal: context.signal, ...(context.root === undefined ? {} : { root: context.root }) };
}
