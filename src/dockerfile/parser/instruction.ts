import type { SourceRange } from '../position.ts';
import type { HeredocNode, InstructionNode, Token } from './ast.ts';
import type { LogicalLine } from './logical-line.ts';
import { type Span, trimSpan } from './split-command.ts';

const NO_HEREDOCS: readonly HeredocNode[] = [];

/** An instruction that works out its range when asked, as its tokens do. */
export class ParsedInstruction implements InstructionNode {
  readonly keyword: Token;
  readonly name: string;
  readonly flags: readonly Token[];
  readonly args: readonly Token[];
  readonly json: boolean;
  heredocs = NO_HEREDOCS;
  readonly original: string;
  readonly comments: readonly Token[];
  readonly trigger?: ParsedInstruction;
  readonly #line: LogicalLine;
  readonly #span: Span;

  constructor(
    line: LogicalLine,
    span: Span,
    parts: Pick<InstructionNode, 'keyword' | 'name' | 'flags' | 'args' | 'json' | 'comments'>,
    trigger?: ParsedInstruction,
  ) {
    this.keyword = parts.keyword;
    this.name = parts.name;
    this.flags = parts.flags;
    this.args = parts.args;
    this.json = parts.json;
    this.original = line.text.slice(span.start, span.end);
    this.comments = parts.comments;
    if (trigger !== undefined) this.trigger = trigger;
    this.#line = line;
    this.#span = span;
  }

  get range(): SourceRange {
    const { start, end } = trimSpan(this.#line.text, this.#span);
    const { heredocs } = this;
    const own = this.#line.range(start, end);
    return heredocs.length === 0 ? own : { start: own.start, end: heredocs.at(-1)?.range.end ?? own.end };
  }

  /** Gives the instruction, and the trigger in it, the heredocs that follow its line. */
  attachHeredocs(heredocs: readonly HeredocNode[]): void {
    this.heredocs = heredocs;
    this.trigger?.attachHeredocs(heredocs);
  }

  toJSON(): InstructionNode {
    const { keyword, name, flags, args, json, heredocs, original, range, comments, trigger } = this;
    const node = { keyword, name, flags, args, json, heredocs, original, range, comments };
    return trigger === undefined ? node : { ...node, trigger };
  }
}
