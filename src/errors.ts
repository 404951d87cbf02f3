/**
 * The one error type that leaves tsbuild. Every folder that can fail adds its own `errors.ts` with small
 * functions or subclasses that build these; nothing below the command line prints them.
 */
export interface TsbuildErrorOptions {
  /** The error underneath, kept whole for `--debug`. */
  readonly cause?: unknown;
  /** One sentence that tells the user what to do next. */
  readonly hint?: string;
  /** Machine-readable facts (path, url, digest, expected, actual, …): strings and numbers only, never a secret. */
  readonly details?: Readonly<Record<string, string | number | boolean>>;
}

/** An error with a stable code, a message that says what happened and where, and a hint that says what to do. */
export class TsbuildError extends Error {
  /** Stable, upper snake case, documented in README: scripts may rely on it. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, string | number | boolean>>;

  constructor(code: string, message: string, options: TsbuildErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TsbuildError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}

/** The text of anything thrown, for use inside another message. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of an error, but for the names that the system has for its own (`EACCES`): those are for the cause. */
export function stableCode(error: unknown): string | undefined {
  const code = errorCode(error);
  return code === undefined || /^E[A-Z0-9]+$/.test(code) ? undefined : code;
}

/** The `code` of a system, native or tsbuild error; `undefined` where there is none. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
