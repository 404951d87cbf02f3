import { errorCode, errorMessage, TsbuildError } from '../errors.ts';
import { isNativeError } from '../native/errors.ts';

/** A process of a RUN ended with another code than 0. */
export interface RunFailure {
  readonly args: readonly string[];
  readonly exitCode: number;
  readonly signal?: string;
  readonly oomKilled: boolean;
  /** The end of what it printed. */
  readonly output: string;
}

export function runFailed({ args, exitCode, signal, oomKilled, output }: RunFailure): TsbuildError {
  const command = args.join(' ');
  const details = { exitCode, command, output, ...(signal === undefined ? {} : { signal }) };
  return new TsbuildError(
    'BUILD_RUN_FAILED',
    `process ${JSON.stringify(command)} did not complete successfully: exit code: ${exitCode}`,
    {
      details,
      ...(oomKilled
        ? { hint: 'the kernel killed it for lack of memory: give the build more, or let it do less at once' }
        : {}),
    },
  );
}

export interface MissingSource {
  /** As the step names it, absolute in the tree that is read. */
  readonly path: string;
  /** It is there, but the ignore file says that it is not. */
  readonly ignored: boolean;
  /** A name beside it that may have been meant. */
  readonly suggestion: string | undefined;
}

/** What a COPY, ADD or mount reads is not there. */
export function sourceMissing({ path, ignored, suggestion }: MissingSource): TsbuildError {
  const hint = ignored
    ? 'it is there, but .dockerignore excludes it from the build context'
    : suggestion === undefined
      ? undefined
      : `did you mean ${JSON.stringify(suggestion)}?`;
  return new TsbuildError('COPY_SOURCE_NOT_FOUND', `${JSON.stringify(path)}: not found`, {
    details: { path, ignored },
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A COPY, ADD or WORKDIR could not be done; errors that are not the native layer's are passed on as they are. */
export function fileStepFailed(error: unknown): unknown {
  if (!isNativeError(error)) return error;
  const code = errorCode(error);
  if (code === 'COPY_SOURCE_NOT_FOUND') {
    return sourceMissing({ path: error.path ?? '', ignored: false, suggestion: undefined });
  }
  if (code === 'ENOTDIR')
    return new TsbuildError('BUILD_FILE_FAILED', `${JSON.stringify(absolute(error.path))} is not a directory`, {
      cause: error,
      hint: 'a file is where the step needs a directory: choose another path, or remove it in an earlier step',
    });
  // The native layer's own codes name what is wrong with the step; an errno is only how it came to light.
  const isErrno = error.errno !== undefined || code === undefined;
  const hint =
    code === 'ENOSPC' ? { hint: 'the disk is full: free some space, or choose another place with --root' } : {};
  return new TsbuildError(isErrno ? 'BUILD_FILE_FAILED' : code, errorMessage(error), { cause: error, ...hint });
}

/** The native layer names paths from the root of the tree. */
function absolute(path: string | undefined): string {
  return path === undefined || path.startsWith('/') ? (path ?? '/') : `/${path}`;
}

/** The solver knows this code: it looks at everything again. */
export function contextChanged(directory: string, cause?: unknown): TsbuildError {
  return new TsbuildError('CONTEXT_CHANGED', `files in ${directory} changed while they were copied`, {
    cause,
    hint: 'stop what writes there during the build, or exclude those files in .dockerignore',
  });
}

/** A definition whose parts do not fit each other: a fault of what made it. */
export function invalidDefinition(why: string): TsbuildError {
  return new TsbuildError('GRAPH_INVALID', `the build graph is not sound: ${why}`);
}
