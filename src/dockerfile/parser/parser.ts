import { errorMessage } from '../../errors.ts';
import { DockerfileError, syntaxError } from '../errors.ts';
import type { SourceRange } from '../position.ts';
import { isSpace, trimLeft, trimSpace } from '../text.ts';
import { ARGUMENT_PARSERS } from './arguments.ts';
import type { Diagnostic, DirectiveNode, HeredocNode, InstructionNode, ParseResult, Token } from './ast.ts';
import { DirectiveReader } from './directives.ts';
import { findHeredocs } from './heredoc.ts';
import { isTooLong, LineReader, MAX_LINE_BYTES, trimNewline } from './lines.ts';
import { LogicalLine } from './logical-line.ts';
import { type Span, splitCommand } from './split-command.ts';

/** The instructions whose arguments may be heredocs. */
const HEREDOC_INSTRUCTIONS = new Set(['add', 'copy', 'run']);
/** ONBUILD in ONBUILD is refused later, with a better word; this only bounds the recursion. */
const MAX_TRIGGER_DEPTH = 8;

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
  #comments: Token[] = [];
  /** Reading ended early, at a line that is too long. */
  #stopped = false;

  constructor(source: string) {
    this.#source = source;
    this.#lines = new LineReader(source);
  }

  run(): ParseResult {
    for (let line = this.#read(); line !== undefined; line = this.#read()) this.#readStatement(line);
    const end = { line: Math.max(1, this.#lines.number), column: this.#lastColumn() };
    if (this.#instructions.length === 0 && !this.#hasError())
      this.#report(syntaxError('the file has no instructions', { start: { line: 1, column: 0 }, end }));
    return {
      ast: {
        directives: this.#directives,
        escape: this.#escape,
        instructions: this.#instructions,
        range: { start: { line: 1, column: 0 }, end },
      },
      diagnostics: this.#diagnostics,
    };
  }

  /** One comment, directive, blank line or whole instruction. */
  #readStatement(rawLine: string): void {
    const number = this.#lines.number;
    const physical = trimNewline(rawLine);
    const withoutMark = number === 1 && physical.startsWith('\ufeff') ? physical.slice(1) : physical;
    const text = trimLeft(withoutMark);
    const column = physical.length - text.length;
    const directive = this.#readDirective(text, number, column);
    if (text.startsWith('#')) {
      if (directive === undefined) this.#keepComment(withoutMark, text, number, column);
      return;
    }
    if (text === '') return;
    this.#readInstruction(text, number, column);
  }

  #readDirective(text: string, line: number, column: number): DirectiveNode | undefined {
    try {
      const directive = this.#directiveReader.read(text, line, column);
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
  #keepComment(physical: string, text: string, line: number, column: number): void {
    // BuildKit takes one character off and not the white space before it: an indented comment keeps its #.
    const comment = trimSpace(physical.slice(1));
    if (comment === '') {
      this.#comments = [];
      return;
    }
    const range = { start: { line, column }, end: { line, column: column + text.trimEnd().length } };
    this.#comments.push({ value: comment, range });
  }

  #readInstruction(text: string, number: number, column: number): void {
    const comments = this.#comments;
    this.#comments = [];
    const line = this.#readContinuations(text, number, column);
    try {
      const node = this.#parseInstruction(line, { start: 0, end: line.text.length }, comments);
      const heredocs = this.#readHeredocs(node, line);
      this.#instructions.push(heredocs.length === 0 ? node : this.#attachHeredocs(node, heredocs));
    } catch (error) {
      this.#report(error, line.range(0, line.text.length));
    }
  }

  /** Joins a line with those that it continues on; comments and empty lines between are left out. */
  #readContinuations(text: string, number: number, column: number): LogicalLine {
    const line = new LogicalLine();
    let continued = this.#appendPiece(line, text, number, column);
    let empty: SourceRange | undefined;
    while (continued) {
      const next = this.#read();
      if (next === undefined) break;
      const piece = trimNewline(next);
      const content = trimLeft(piece);
      if (content === '') {
        const at = this.#lines.number;
        empty ??= { start: { line: at, column: 0 }, end: { line: at, column: piece.length } };
      } else if (!content.startsWith('#')) {
        continued = this.#appendPiece(line, piece, this.#lines.number, 0);
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
   * Adds a physical line, its continuation mark taken off, and tells whether there was one: the escape character at the
   * end, spaces after it allowed, unless the character before it is the escape character too.
   */
  #appendPiece(line: LogicalLine, piece: string, number: number, column: number): boolean {
    let end = piece.length;
    while (end > 0 && (piece[end - 1] === ' ' || piece[end - 1] === '\t')) end--;
    const continued = end > 0 && piece[end - 1] === this.#escape && piece[end - 2] !== this.#escape;
    line.append(continued ? piece.slice(0, end - 1) : piece, number, column);
    return continued;
  }

  #parseInstruction(line: LogicalLine, span: Span, comments: readonly Token[], depth = 0): InstructionNode {
    const { keyword, flags, rest } = splitCommand(line, span, this.#escape);
    const name = keyword.value.toLowerCase();
    const base = {
      keyword,
      name,
      flags,
      heredocs: [],
      original: line.text.slice(span.start, span.end),
      range: { start: keyword.range.start, end: line.range(span.start, trimmedEnd(line.text, span)).end },
      comments,
    };
    if (name === 'onbuild' && rest.start < rest.end) {
      if (depth > MAX_TRIGGER_DEPTH) throw syntaxError('ONBUILD cannot hold another ONBUILD', keyword.range);
      const trigger = this.#parseInstruction(line, rest, [], depth + 1);
      return { ...base, args: [trigger.keyword, ...trigger.args], json: false, trigger };
    }
    const { args, json } = ARGUMENT_PARSERS[name]?.(line, rest, this.#escape) ?? { args: [], json: false };
    return { ...base, args, json };
  }

  #readHeredocs(node: InstructionNode, line: LogicalLine): HeredocNode[] {
    const target = node.trigger ?? node;
    if (!HEREDOC_INSTRUCTIONS.has(target.name) || target.json || !line.text.includes('<<')) return [];
    const heredocs: HeredocNode[] = [];
    for (const mark of findHeredocs(line.text)) {
      const first = this.#lines.number + 1;
      let content = '';
      for (;;) {
        const next = this.#read();
        if (next === undefined)
          throw syntaxError(
            `the heredoc ${mark.name} is never ended`,
            node.range,
            `end it by a line that holds ${mark.name} and nothing else`,
          );
        const bare = trimNewline(next);
        if ((mark.chomp ? bare.replace(/^\t+/, '') : bare) === mark.name) {
          const end = { line: this.#lines.number, column: bare.length };
          heredocs.push({ ...mark, content, range: { start: { line: first, column: 0 }, end } });
          break;
        }
        content += next;
      }
    }
    return heredocs;
  }

  #attachHeredocs(node: InstructionNode, heredocs: readonly HeredocNode[]): InstructionNode {
    const range = { start: node.range.start, end: heredocs.at(-1)?.range.end ?? node.range.end };
    const trigger = node.trigger === undefined ? {} : { trigger: { ...node.trigger, heredocs } };
    return { ...node, heredocs, range, ...trigger };
  }

  #read(): string | undefined {
    if (this.#stopped) return undefined;
    const line = this.#lines.read();
    if (line === undefined || !isTooLong(line)) return line;
    this.#stopped = true;
    const at = this.#lines.number;
    this.#report(
      syntaxError(`the line is longer than ${MAX_LINE_BYTES} bytes`, {
        start: { line: at, column: 0 },
        end: { line: at, column: trimNewline(line).length },
      }),
    );
    return undefined;
  }

  #hasError(): boolean {
    return this.#diagnostics.some((diagnostic) => diagnostic.severity === 'error');
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

  #lastColumn(): number {
    const feed = this.#source.lastIndexOf('\n', Math.max(0, this.#source.length - 2));
    return trimNewline(this.#source.slice(feed + 1)).length;
  }
}

function trimmedEnd(text: string, span: Span): number {
  let { end } = span;
  while (end > span.start && isSpace(text.charAt(end - 1))) end--;
  return end;
}
