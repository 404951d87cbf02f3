import { TsbuildError } from '../errors.ts';
import { formatFrame } from './frame.ts';
import type { Diagnostic } from './parser/ast.ts';
import type { SourceRange } from './position.ts';

export interface DockerfileErrorOptions {
  readonly cause?: unknown;
  readonly hint?: string;
  /** Where the text came from, as the user named it. */
  readonly file?: string;
  readonly range?: SourceRange;
  /** The whole source, from which the frame is drawn. */
  readonly source?: string;
  /** Facts beside the place. */
  readonly details?: TsbuildError['details'];
}

/** An error in a Dockerfile: knows its file and range, and draws the lines around them. */
export class DockerfileError extends TsbuildError {
  readonly file: string | undefined;
  readonly range: SourceRange | undefined;
  readonly #source: string | undefined;

  constructor(code: string, message: string, options: DockerfileErrorOptions = {}) {
    const { file, range } = options;
    super(code, message, {
      ...(options.cause === undefined ? {} : { cause: options.cause }),
      ...(options.hint === undefined ? {} : { hint: options.hint }),
      details: {
        ...options.details,
        ...(file === undefined ? {} : { file }),
        ...(range === undefined ? {} : { line: range.start.line, column: range.start.column + 1 }),
      },
    });
    this.name = 'DockerfileError';
    this.file = file;
    this.range = range;
    this.#source = options.source;
  }

  /** `Dockerfile:3:5` and the lines around with the token underlined; empty when the place is not known. */
  get frame(): string {
    if (this.range === undefined || this.#source === undefined) return '';
    const { line, column } = this.range.start;
    return `${this.file ?? 'Dockerfile'}:${line}:${column + 1}\n${formatFrame(this.#source, this.range)}`;
  }

  /** The same error with the place filled in where it was missing. */
  locate(place: { readonly file?: string; readonly range?: SourceRange; readonly source?: string }): DockerfileError {
    const file = this.file ?? place.file;
    const range = this.range ?? place.range;
    const source = this.#source ?? place.source;
    return new DockerfileError(this.code, this.message, {
      details: this.details,
      ...(this.cause === undefined ? {} : { cause: this.cause }),
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(file === undefined ? {} : { file }),
      ...(range === undefined ? {} : { range }),
      ...(source === undefined ? {} : { source }),
    });
  }
}

/** What BuildKit's parser or instruction rules refuse. */
export function syntaxError(message: string, range?: SourceRange, hint?: string): DockerfileError {
  return new DockerfileError('DOCKERFILE_SYNTAX', message, withRange(range, hint));
}

/** A stage, target or source that cannot be found or used. */
export function stageError(message: string, range?: SourceRange, hint?: string): DockerfileError {
  return new DockerfileError('DOCKERFILE_STAGE', message, withRange(range, hint));
}

/** Throws the first error of a parser; warnings are passed over. */
export function throwFirstError(diagnostics: readonly Diagnostic[]): void {
  const found = diagnostics.find(({ severity }) => severity === 'error');
  if (found !== undefined) throw new DockerfileError(found.code, found.message, withRange(found.range, found.hint));
}

/** `did you mean X?`, or nothing. */
export function didYouMean(name: string | undefined): string | undefined {
  return name === undefined ? undefined : `did you mean ${name}?`;
}

function withRange(range: SourceRange | undefined, hint: string | undefined): DockerfileErrorOptions {
  return { ...(range === undefined ? {} : { range }), ...(hint === undefined ? {} : { hint }) };
}
