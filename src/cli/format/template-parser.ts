import type { ArgNode, Body, CommandNode, Pipe, TemplateNode } from './template-ast.ts';
import { TemplateError } from './template-errors.ts';
import { lexTemplate, type Token } from './template-lexer.ts';

const REFUSED = new Set(['define', 'template', 'block', 'break', 'continue']);

/** Parses a Go template, but for its sub-templates. Throws `TEMPLATE_INVALID` with the column. */
export function parseTemplate(source: string): Body {
  const parser = new Parser(source);
  const { body, stop } = parser.parseBody();
  if (stop !== undefined) throw new TemplateError(source, stop.offset, `{{${stop.text}}} has nothing to end`);
  return body;
}

interface Stop {
  readonly text: string;
  readonly offset: number;
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
    this.#tokens = lexTemplate(source);
  }

  /** Nodes up to the end or to an `end` or `else`, which is consumed but for what follows `else`. */
  parseBody(): { body: TemplateNode[]; stop: Stop | undefined } {
    const body: TemplateNode[] = [];
    for (let token = this.#next(); token !== undefined; token = this.#next()) {
      if (token.type === 'text') {
        body.push({ type: 'text', text: token.text });
        continue;
      }
      const word = this.#peek();
      if (word?.type === 'word' && (word.text === 'end' || word.text === 'else')) {
        this.#next();
        return { body, stop: word };
      }
      body.push(this.#parseAction());
    }
    return { body, stop: undefined };
  }

  #parseAction(): TemplateNode {
    const word = this.#peek();
    if (word?.type === 'word') {
      if (REFUSED.has(word.text)) throw this.#error(word, `{{${word.text}}} is not supported`);
      if (word.text === 'if' || word.text === 'with' || word.text === 'range') {
        this.#next();
        return this.#parseBlock(word.text, word);
      }
    }
    const pipe = this.#parsePipe();
    this.#expectClose();
    return { type: 'action', pipe };
  }

  #parseBlock(type: 'if' | 'with' | 'range', start: Token): TemplateNode {
    const pipe = this.#parsePipe();
    this.#expectClose();
    const { body, stop } = this.parseBody();
    if (stop === undefined) throw this.#error(start, `{{${type}}} is not ended`, 'add {{end}}');
    if (stop.text === 'end') {
      this.#expectClose();
      return { type, pipe, body, otherwise: [] };
    }
    const chained = this.#peek();
    if (chained?.type === 'word' && (chained.text === 'if' || chained.text === 'with')) {
      // `else if` is an `if` inside `else` that shares the `end`.
      this.#next();
      return { type, pipe, body, otherwise: [this.#parseBlock(chained.text, chained)] };
    }
    this.#expectClose();
    const { body: otherwise, stop: end } = this.parseBody();
    if (end?.text !== 'end') throw this.#error(start, `{{${type}}} is not ended`, 'add {{end}}');
    this.#expectClose();
    return { type, pipe, body, otherwise };
  }

  #parsePipe(): Pipe {
    const first = this.#peek();
    const offset = first?.offset ?? this.#source.length;
    const { declares, assigns } = this.#parseDeclarations();
    const commands = [this.#parseCommand()];
    while (this.#takeSymbol('|')) commands.push(this.#parseCommand());
    return { declares, assigns, commands, offset };
  }

  #parseDeclarations(): { declares: string[]; assigns: boolean } {
    const start = this.#at;
    const declares: string[] = [];
    for (;;) {
      const variable = this.#next();
      if (variable?.type !== 'variable') break;
      declares.push(variable.text);
      if (this.#takeSymbol(':=')) return { declares, assigns: false };
      if (this.#takeSymbol('=')) return { declares, assigns: true };
      if (!this.#takeSymbol(',')) break;
    }
    this.#at = start;
    return { declares: [], assigns: false };
  }

  #parseCommand(): CommandNode {
    const args: ArgNode[] = [];
    const start = this.#peek();
    for (let token = this.#peek(); token !== undefined; token = this.#peek()) {
      if (token.type === 'close' || (token.type === 'symbol' && (token.text === '|' || token.text === ')'))) break;
      args.push(this.#parseArg());
    }
    const offset = start?.offset ?? this.#source.length;
    if (args.length === 0) throw new TemplateError(this.#source, offset, 'a value or a function is missing');
    return { args, offset };
  }

  #parseArg(): ArgNode {
    const token = this.#next();
    if (token === undefined) throw new TemplateError(this.#source, this.#source.length, 'a value is missing');
    const { offset } = token;
    switch (token.type) {
      case 'string':
        return { type: 'value', value: token.text, offset };
      case 'number':
        return { type: 'value', value: Number(token.text), offset };
      case 'word':
        if (token.text === 'true' || token.text === 'false')
          return { type: 'value', value: token.text === 'true', offset };
        if (token.text === 'nil') return { type: 'value', value: null, offset };
        return { type: 'function', name: token.text, offset };
      case 'field':
        return { type: 'chain', base: undefined, fields: [fieldOf(token), ...this.#parseFields()], offset };
      case 'variable':
        return { type: 'chain', base: { variable: token.text }, fields: this.#parseFields(), offset };
      case 'symbol':
        if (token.text === '.') return { type: 'chain', base: undefined, fields: [], offset };
        if (token.text === '(') {
          const pipe = this.#parsePipe();
          if (!this.#takeSymbol(')')) throw this.#error(token, 'this parenthesis is not closed', 'add )');
          return { type: 'chain', base: { pipe }, fields: this.#parseFields(), offset };
        }
    }
    throw this.#error(token, `unexpected ${JSON.stringify(token.text)}`);
  }

  #parseFields(): { name: string; offset: number }[] {
    const fields: { name: string; offset: number }[] = [];
    for (let token = this.#peek(); token?.type === 'field' && !token.spaced; token = this.#peek()) {
      fields.push(fieldOf(token));
      this.#next();
    }
    return fields;
  }

  #expectClose(): void {
    const token = this.#next();
    if (token?.type !== 'close')
      throw new TemplateError(
        this.#source,
        token?.offset ?? this.#source.length,
        `expected }}, and not ${JSON.stringify(token?.text ?? 'the end')}`,
      );
  }

  #takeSymbol(text: string): boolean {
    const token = this.#peek();
    if (token?.type !== 'symbol' || token.text !== text) return false;
    this.#at++;
    return true;
  }

  #peek(): Token | undefined {
    return this.#tokens[this.#at];
  }

  #next(): Token | undefined {
    return this.#tokens[this.#at++];
  }

  #error(token: Token, message: string, hint?: string): TemplateError {
    return new TemplateError(this.#source, token.offset, message, hint);
  }
}

function fieldOf(token: Token): { name: string; offset: number } {
  return { name: token.text.slice(1), offset: token.offset };
}
