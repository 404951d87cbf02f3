import { errorCode, TsbuildError } from '../errors.ts';

/** What the command's exit code says; docker's where scripts depend on them. Shown by `tsbuild help exit-codes`. */
export const ExitCode = {
  ok: 0,
  failed: 1,
  cacheMissed: 3,
  usage: 125,
  hungUp: 129,
  interrupted: 130,
  brokenPipe: 141,
  terminated: 143,
} as const;

/** Codes of errors that are about the command line itself. */
const USAGE_CODES = new Set([
  'USAGE',
  'FLAG_INVALID',
  'FLAG_UNSUPPORTED',
  'TEMPLATE_INVALID',
  'PROGRESS_NO_TERMINAL',
  'FILTER_INVALID',
  'SETTING_INVALID',
  'CONFIRMATION_NEEDED',
]);

export function exitCodeOf(error: unknown): number {
  if (errorCode(error) === 'CACHE_MISSED') return ExitCode.cacheMissed;
  return USAGE_CODES.has(errorCode(error) ?? '') ? ExitCode.usage : ExitCode.failed;
}

/** What is written by another way than the stream of standard output (`build -o -`) says so in its error. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof TsbuildError && error.code === 'EXPORT_FAILED' && errorCode(error.cause) === 'EPIPE';
}

/** The operation failed, and what there is to say of it has been printed as its result (`--check`). */
export class ReportedFailure extends Error {}

export const EXIT_CODES_HELP = `Exit codes:
  0    it worked
  1    the build or the operation failed; with --check: something was found;
       of fsck: an error was found, not only warnings
  3    with --fail-on-miss: the build is done, but a step was not in the cache
  125  the command line is wrong: unknown command or flag, bad value, flag not supported
  129  stopped by SIGHUP
  130  stopped by Ctrl-C (SIGINT)
  141  who read the output went away
  143  stopped by SIGTERM
`;
