import { inspect } from 'node:util';
import { errorMessage, TsbuildError } from '../errors.ts';
import { cleanLines, cleanText } from '../progress/terminal-tail.ts';
import { drawOutput } from './format/output.ts';

export interface PrintErrorOptions {
  readonly debug: boolean;
  readonly colour: boolean;
}

/**
 * An error for people: where it is in their file, what happened, what to do, where the whole log is. With `debug` also its code,
 * what it comes from, and stacks.
 */
export function formatError(error: unknown, options: PrintErrorOptions): string {
  const lines: string[] = [];
  const paint = (code: string, text: string): string => (options.colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const frame = readFrame(error);
  if (frame !== '') lines.push(cleanLines(frame), '');
  const [first = '', ...rest] = errorMessage(error).split('\n');
  lines.push(`${paint('1;31', 'ERROR:')} ${cleanText(first)}`, ...rest.map((line) => `  ${cleanText(line)}`));
  if (error instanceof TsbuildError) {
    if (error.hint !== undefined) lines.push(`${paint('1', 'hint:')} ${cleanText(error.hint)}`);
    const { log, build } = error.details;
    if (typeof log === 'string') lines.push(`${paint('1', 'log:')} ${cleanText(log)}`);
    if (typeof build === 'string')
      lines.push(`${paint('1', 'build:')} ${cleanText(build)} (tsbuild builds logs ${cleanText(build)})`);
  }
  if (options.debug) lines.push('', cleanLines(formatDetails(error)));
  else if (!(error instanceof TsbuildError) && !isSystemError(error))
    lines.push('hint: this is not an expected error; --debug shows where it comes from');
  return `${lines.join('\n')}\n`;
}

/**
 * The last lines of what a failed step printed, as the displays show them, for a build that showed nothing while it ran; empty
 * where there are none.
 */
export function formatFailedStep(error: unknown): string {
  if (!(error instanceof TsbuildError)) return '';
  const { step, output } = error.details;
  if (typeof step !== 'string' || typeof output !== 'string' || output === '') return '';
  return `------\n > ${cleanText(step)}:\n${drawOutput(output).join('')}------\n`;
}

/** An error of the kernel: a file that cannot be written, a full disk. Its message says all there is. */
function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** Errors with a place in a source (of a Dockerfile, of a template) draw it. */
function readFrame(error: unknown): string {
  return typeof error === 'object' && error !== null && 'frame' in error && typeof error.frame === 'string'
    ? error.frame
    : '';
}

function formatDetails(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  // A chain of causes that closes on itself is cut.
  for (let depth = 0; current !== undefined && depth < 16; depth++) {
    const head = depth === 0 ? '' : 'caused by: ';
    parts.push(`${head}${describe(current)}`);
    current = current instanceof Error ? current.cause : undefined;
  }
  return parts.join('\n');
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return inspect(error);
  const stack = error.stack ?? `${error.name}: ${error.message}`;
  if (!(error instanceof TsbuildError)) return stack;
  const details = Object.entries(error.details).map(([key, value]) => `    ${key}: ${value}`);
  return [`${error.code}`, stack, ...details].join('\n');
}
