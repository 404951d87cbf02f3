import { errorMessage } from '../../errors.ts';
import { DockerfileError, syntaxError } from '../errors.ts';
import type { SourceRange } from '../position.ts';
import { isSpace, trimSpace } from '../text.ts';
import { ARGUMENT_PARSERS, NO_ARGUMENTS } from './arguments.ts';
import type { Diagnostic, DirectiveNode, HeredocNode, InstructionNode, ParseResult, Token } from './ast.ts';
import { DirectiveReader } from './directives.ts';
import { findHeredocs } from './heredoc.ts';
import { ParsedInstruction } from './instruction.ts';
import { LineReader, MAX_LINE_BYTES } from './lines.ts';
import { LogicalLine } from './logical-line.ts';
import { type Span, splitCommand } from './split-command.ts';

/** The instructions whose arguments may be heredocs. */
const HEREDOC_INSTRUCTIONS = new Set(['add', 'copy', 'run']);
/** ONBUILD in ONBUILD is refused later, with a better word; this only bounds the recursion. */
const MAX_TRIGGER_DEPTH = 8;
const NO_COMMENTS: Token[] = [];

/**
 * Parses a Dockerfile by BuildKit's grammar. Never throws: what BuildKit would refuse is a diagnostic of severity
 * `error`, and the tree holds all that could be read around it.
 */
export function parseDockerfile(source: string): ParseResult {
  return new Parser(source).run();
}

class Parser {
  readonly #source: string;
  readonly #lines: LineReader;
  readonly #directiveReader = new DirectiveReader();
  readonly #directives: DirectiveNode[] = [];
  readonly #instructions: InstructionNode[] = [];
  readonly #diagnostics: Diagnostic[] = [];
  #escape: '\\' | '`' = '\\';
  #comments = NO_COMMENTS;
  /** Reading ended early, at a line that is too long. */
  #stopped = false;

  constructor(source: string) {
    this.#source = source;
    this.#lines = new LineReader(source);
  }

  run(): ParseResult {
    while (this.#advance()) this.#readStatement();
    const { number, start, end } = this.#lines;
    const range = { start: { line: 1, column: 0 }, end: { line: Math.max(1, number), column: end - start } };
    if (this.#instructions.length === 0 && !this.#diagnostics.some((diagnostic) => diagnostic.severity === 'error'))
      this.#report(syntaxError('the file has no instructions', range));
    return {
      ast: { directives: this.#directives, escape: this.#escape, instructions: this.#instructions, range },
      diagnostics: this.#diagnostics,
    };
  }

  /** The current line: a comment, a directive, nothing, or the start of an instruction. */
  #readStatement(): void {
    const lines = this.#lines;
    const lineStart = lines.start;
    // The byte-order mark of the first line is no part of it.
    const textStart = lines.number === 1 && this.#source.startsWith('\ufeff') ? lineStart + 1 : lineStart;
    const start = this.#skipSpace(textStart);
    const isComment = this.#source.charAt(start) === '#' && start < lines.end;
    const directive = this.#readDirective(isComment, start);
    if (isComment) {
      if (directive === undefined) this.#keepComment(textStart, start);
    } else if (start < lines.end) {
      this.#readInstruction(start);
    }
  }

  #readDirective(isComment: boolean, start: number): DirectiveNode | undefined {
    if (!this.#directiveReader.isOpen) return undefined;
    const lines = this.#lines;
    const text = isComment ? this.#source.slice(start, lines.end) : '';
    try {
      const directive = this.#directiveReader.read(text, lines.number, start - lines.start);
      if (directive === undefined) return undefined;
      this.#directives.push(directive);
      if (directive.name === 'escape') this.#setEscape(directive);
      return directive;
    } catch (error) {
      this.#report(error);
      return undefined;
    }
  }

  #setEscape(directive: DirectiveNode): void {
    const { value } = directive;
    if (value !== '\\' && value !== '`')
      throw syntaxError(`the escape character is ${JSON.stringify(value)}, it must be \\ or \``, directive.valueRange);
    this.#escape = value;
  }

  /** Comments above an instruction may describe it; an empty one separates. */
  #keepComment(textStart: number, start: number): void {
    const { number, start: lineStart, end } = this.#lines;
    // BuildKit takes one character off and not the white space before it: an indented comment keeps its #.
    const comment = trimSpace(this.#source.slice(textStart + 1, end));
    if (comment === '') {
      this.#comments = NO_COMMENTS;
      return;
    }
    const range = {
      start: { line: number, column: start - lineStart },
      end: { line: number, column: end - lineStart },
    };
    if (this.#comments === NO_COMMENTS) this.#comments = [];
    this.#comments.push({ value: comment, range });
  }

  #readInstruction(start: number): void {
    const comments = this.#comments;
    this.#comments = NO_COMMENTS;
    const line = this.#readContinuations(start);
    try {
      const node = this.#parseInstruction(line, { start: 0, end: line.text.length }, comments);
      if (line.text.includes('<<')) this.#readHeredocs(node, line);
      this.#instructions.push(node);
    } catch (error) {
      this.#report(error, line.range(0, line.text.length));
    }
  }

  /** Joins a line with those that it continues on; comments and empty lines between are left out. */
  #readContinuations(start: number): LogicalLine {
    const lines = this.#lines;
    let end = this.#findMark(start);
    const first = this.#source.slice(start, end < 0 ? lines.end : end);
    const line = new LogicalLine(first, lines.number, start - lines.start);
    let empty: SourceRange | undefined;
    while (end >= 0 && this.#advance()) {
      const content = this.#skipSpace(lines.start);
      if (content >= lines.end) {
        const at = lines.number;
        empty ??= { start: { line: at, column: 0 }, end: { line: at, column: lines.end - lines.start } };
      } else if (this.#source.charAt(content) !== '#') {
        end = this.#findMark(lines.start);
        line.append(this.#source.slice(lines.start, end < 0 ? lines.end : end), lines.number, 0);
      }
    }
    if (empty !== undefined)
      this.#diagnostics.push({
        severity: 'warning',
        code: 'NoEmptyContinuation',
        message: 'an empty line inside a continued instruction; a later version will refuse it',
        range: empty,
      });
    return line;
  }

  /**
   * Where the current line's continuation mark stands, -1 when it has none: the escape character at the end, spaces after
   * it allowed, unless the character before it is the escape character too.
   */
  #findMark(start: number): number {
    const source = this.#source;
    let at = this.#lines.end - 1;
    while (at >= start && (source[at] === ' ' || source[at] === '\t')) at--;
    if (at < start || source[at] !== this.#escape) return -1;
    return at > start && source[at - 1] === this.#escape ? -1 : at;
  }

  #parseInstruction(line: LogicalLine, span: Span, comments: readonly Token[], depth = 0): ParsedInstruction {
    const { keyword, flags, rest } = splitCommand(line, span, this.#escape);
    const name = keyword.value.toLowerCase();
    if (name === 'onbuild' && rest.start < rest.end) {
      if (depth > MAX_TRIGGER_DEPTH) throw syntaxError('ONBUILD cannot hold another ONBUILD', keyword.range);
      const trigger = this.#parseInstruction(line, rest, NO_COMMENTS, depth + 1);
      const args = [trigger.keyword, ...trigger.args];
      return new ParsedInstruction(line, span, { keyword, name, flags, args, json: false, comments }, trigger);
    }
    const { args, json } = ARGUMENT_PARSERS.get(name)?.(line, rest, this.#escape) ?? NO_ARGUMENTS;
    return new ParsedInstruction(line, span, { keyword, name, flags, args, json, comments });
  }

  #readHeredocs(node: ParsedInstruction, line: LogicalLine): void {
    const target = node.trigger ?? node;
    if (!HEREDOC_INSTRUCTIONS.has(target.name) || target.json) return;
    const heredocs: HeredocNode[] = [];
    const lines = this.#lines;
    for (const mark of findHeredocs(line.text)) {
      const contentStart = lines.next;
      const start = { line: lines.number + 1, column: 0 };
      let bare: string;
      do {
        if (!this.#advance())
          throw syntaxError(
            `the heredoc ${mark.name} is never ended`,
            node.range,
            `end it by a line that holds ${mark.name} and nothing else`,
          );
        bare = this.#source.slice(lines.start, lines.end);
      } while ((mark.chomp ? bare.replace(/^\t+/, '') : bare) !== mark.name);
      const content = this.#source.slice(contentStart, lines.start);
      heredocs.push({ ...mark, content, range: { start, end: { line: lines.number, column: bare.length } } });
    }
    if (heredocs.length > 0) node.attachHeredocs(heredocs);
  }

  #advance(): boolean {
    if (this.#stopped || !this.#lines.advance()) return false;
    if (!this.#lines.isTooLong()) return true;
    this.#stopped = true;
    const { number, start, end } = this.#lines;
    this.#report(
      syntaxError(`the line is longer than ${MAX_LINE_BYTES} bytes`, {
        start: { line: number, column: 0 },
        end: { line: number, column: end - start },
      }),
    );
    return false;
  }

  /** The offset of the first character of the current line, from `start` on, that is not white space. */
  #skipSpace(start: number): number {
    const { end } = this.#lines;
    let at = start;
    while (at < end && isSpace(this.#source.charAt(at))) at++;
    return at;
  }

  #report(error: unknown, fallback?: SourceRange): void {
    const known = error instanceof DockerfileError ? error : undefined;
    const start = { line: Math.max(1, this.#lines.number), column: 0 };
    this.#diagnostics.push({
      severity: 'error',
      code: known?.code ?? 'DOCKERFILE_SYNTAX',
      message: errorMessage(error),
      range: known?.range ?? fallback ?? { start, end: start },
      ...(known?.hint === undefined ? {} : { hint: known.hint }),
    });
  }
}
