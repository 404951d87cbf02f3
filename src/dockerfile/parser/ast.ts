import type { SourceRange } from '../position.ts';

/** A piece of text with its place in the source. */
export interface Token {
  /** What it means to the parser: unquoted for flags, decoded for JSON strings, as written for the rest. */
  readonly value: string;
  readonly range: SourceRange;
  /** The place of a piece of the value, by its offsets there; only where the value is the text as it is written. */
  rangeOf?(start: number, end: number): SourceRange;
}

/** A whole Dockerfile. */
export interface DockerfileNode {
  readonly directives: readonly DirectiveNode[];
  /** The escape character in force: `\` or a backtick. */
  readonly escape: '\\' | '`';
  /** In file order. */
  readonly instructions: readonly InstructionNode[];
  readonly range: SourceRange;
}

/** `# syntax=…`, `# escape=…` or `# check=…` at the top of the file. */
export interface DirectiveNode {
  readonly name: 'syntax' | 'escape' | 'check';
  readonly value: string;
  readonly range: SourceRange;
  readonly valueRange: SourceRange;
}

/** One instruction: a line, with its continuations and heredocs. */
export interface InstructionNode {
  /** As written. */
  readonly keyword: Token;
  /** The keyword in lower case. */
  readonly name: string;
  /** `--name=value`, unquoted. */
  readonly flags: readonly Token[];
  /**
   * What BuildKit's parser makes of the rest, by instruction: one text (`RUN`, `USER`, …), words (`COPY`, `FROM`, …), the
   * strings of a JSON array; for `ENV` and `LABEL` a name, a value and `=` (or nothing in the old form) each; for
   * `HEALTHCHECK` the type and then its command; for `ONBUILD` the keyword of the trigger and its arguments.
   */
  readonly args: readonly Token[];
  /** The arguments are a JSON array (exec form). */
  readonly json: boolean;
  readonly heredocs: readonly HeredocNode[];
  /** The line as the parser read it: continuations joined, comments left out. */
  readonly original: string;
  /** From the keyword to the end of the last line, heredocs included. */
  readonly range: SourceRange;
  /** The comments above: descriptions, per-instruction checks. */
  readonly comments: readonly Token[];
  /** The instruction that `ONBUILD` keeps for later. */
  readonly trigger?: InstructionNode;
}

export interface HeredocNode {
  readonly name: string;
  /** `3<<EOF`; 0 where none is written. */
  readonly fileDescriptor: number;
  /** Variables in the content are replaced: no part of the name was quoted. */
  readonly expand: boolean;
  /** `<<-`: leading tabs are taken off. */
  readonly chomp: boolean;
  /** As in the file, tabs and all; each line with its line ending. */
  readonly content: string;
  /** The content's lines and the terminator. */
  readonly range: SourceRange;
}

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  /** `DOCKERFILE_SYNTAX`, or the name of the check. */
  readonly code: string;
  readonly message: string;
  readonly range: SourceRange;
  readonly hint?: string;
}

export interface ParseResult {
  /** All that could be read. */
  readonly ast: DockerfileNode;
  /** In file order; with an error among them BuildKit would refuse the file. */
  readonly diagnostics: readonly Diagnostic[];
}
