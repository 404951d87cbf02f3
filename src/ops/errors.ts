import { errorCode, errorMessage, TsbuildError } from '../errors.ts';
import { isNativeError } from '../native/errors.ts';
import { findSignal, hintOf, type ProcessEnd } from './exit-hints.ts';

/** More of a command is not shown; all of it is in the Dockerfile. */
const MAX_COMMAND = 400;

/** A process of a RUN ended with another code than 0. */
export function runFailed(end: ProcessEnd): TsbuildError {
  const { exitCode, output } = end;
  const command = end.args.join(' ');
  const signal = findSignal(end);
  const hint = hintOf(end);
  const shown = command.length > MAX_COMMAND ? `${command.slice(0, MAX_COMMAND)}…` : command;
  const by = signal === undefined ? '' : ` (${signal})`;
  return new TsbuildError(
    'BUILD_RUN_FAILED',
    `process ${JSON.stringify(shown)} did not complete successfully: exit code: ${exitCode}${by}`,
    {
      details: { exitCode, command, output, ...(signal === undefined ? {} : { signal }) },
      ...(hint === undefined ? {} : { hint }),
    },
  );
}

/** Something that is there, but not for the build. */
export interface IgnoredPath {
  /** Relative to the context. */
  readonly path: string;
  /** What the ignore file is called: `.dockerignore`. */
  readonly file: string;
  /** What leaves it out; unknown where the path leads there through a symlink. */
  readonly line?: { readonly pattern: string; readonly line: number };
}

/** Why something was not found. */
export type MissingReason =
  | ({ readonly type: 'ignored' } & IgnoredPath)
  /** What may have been meant is there. */
  | { readonly type: 'near'; readonly path: string }
  /** The build was given a Dockerfile and nothing beside it. */
  | { readonly type: 'no-context' }
  /** It lies above the context. */
  | { readonly type: 'above'; readonly path: string; readonly directory: string };

/** What a COPY, ADD or mount reads is not there. `path` is absolute in the tree; `treeName` says which that is: `stage "build"`. */
export function sourceMissing(path: string, treeName?: string, reason?: MissingReason): TsbuildError {
  const place = treeName === undefined ? '' : ` in ${treeName}`;
  const by = reason?.type === 'ignored' ? reason.line : undefined;
  return new TsbuildError('COPY_SOURCE_NOT_FOUND', `${JSON.stringify(path)}: not found${place}`, {
    details: {
      path,
      ignored: reason?.type === 'ignored',
      ...(by === undefined ? {} : { ignorePattern: by.pattern, ignoreLine: by.line }),
    },
    ...(reason === undefined ? {} : { hint: describeReason(reason) }),
  });
}

function describeReason(reason: MissingReason): string {
  switch (reason.type) {
    case 'ignored':
      return describeIgnored(reason);
    case 'near':
      return `did you mean ${JSON.stringify(reason.path)}?`;
    case 'no-context':
      return 'the build has no context: give a directory, and -f - for a Dockerfile on standard input';
    case 'above':
      return `${reason.path} lies above the build context: give ${reason.directory} as the context, and the Dockerfile with -f`;
  }
}

function describeIgnored({ path, file, line }: IgnoredPath): string {
  if (line === undefined) return `it is there, but ${file} excludes it from the build context`;
  return `${JSON.stringify(path)} is excluded by ${file} line ${line.line}: ${line.pattern}`;
}

/** For a step that copies nothing without that being an error. */
export function describeNothing(path: string, ignored: IgnoredPath): string {
  return `${JSON.stringify(path)} gives no file: ${describeIgnored(ignored)}`;
}

/** A step cannot do without a secret that the build was not given. */
export function secretMissing(id: string): TsbuildError {
  return new TsbuildError(
    'SECRET_MISSING',
    `the build was given no secret ${JSON.stringify(id)}, which the step requires`,
    {
      hint: `add --secret id=${id},src=<file> or --secret id=${id},env=<variable>`,
      details: { id },
    },
  );
}

/** A COPY, ADD or WORKDIR could not be done; errors that are not the native layer's are passed on as they are. */
export function fileStepFailed(error: unknown): unknown {
  if (!isNativeError(error)) return error;
  const code = errorCode(error);
  if (code === 'COPY_SOURCE_NOT_FOUND') {
    return sourceMissing(error.path ?? '');
  }
  if (code === 'ENOTDIR')
    return new TsbuildError('BUILD_FILE_FAILED', `${JSON.stringify(absolute(error.path))} is not a directory`, {
      cause: error,
      hint: 'a file is where the step needs a directory: choose another path, or remove it in an earlier step',
    });
  // The native layer's own codes name what is wrong with the step; an errno is only how it came to light.
  const isErrno = error.errno !== undefined || code === undefined;
  const hint = FILE_HINTS[code ?? ''];
  return new TsbuildError(isErrno ? 'BUILD_FILE_FAILED' : code, errorMessage(error), {
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

const FILE_HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space, or choose another place with --root',
  EDQUOT: 'the disk quota is used up: free some space, or choose another place with --root',
  USER_NOT_FOUND: 'create the user in an earlier step (useradd, adduser), or give a numeric id',
  GROUP_NOT_FOUND: 'create the group in an earlier step (groupadd, addgroup), or give a numeric id',
};

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
