import { TemplateError } from './template-errors.ts';

export interface Token {
  readonly type: 'text' | 'open' | 'close' | 'field' | 'variable' | 'word' | 'string' | 'number' | 'symbol';
  readonly text: string;
  readonly offset: number;
  /** Whether a space stands before it: `.A.B` is one chain, `.A .B` are two arguments. */
  readonly spaced: boolean;
}

const SYMBOLS = [':=', '|', '(', ')', ',', '=', '.'];

/** Splits a Go template into text and the tokens of its actions. */
export function lexTemplate(source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  while (at < source.length) {
    const open = source.indexOf('{{', at);
    const end = open < 0 ? source.length : open;
    const trimBefore = open >= 0 && /^\{\{-\s/.test(source.slice(open, open + 4));
    let text = source.slice(at, end);
    if (trimNext) text = text.trimStart();
    if (trimBefore) text = text.trimEnd();
    if (text !== '') tokens.push({ type: 'text', text, offset: at, spaced: false });
    if (open < 0) break;
    const close = lexAction(source, open, trimBefore ? open + 3 : open + 2, tokens);
    trimNext = close.trimAfter;
    at = close.end;
  }
  return tokens;
}

function lexAction(source: string, open: number, start: number, tokens: Token[]): { end: number; trimAfter: boolean } {
  const comment = /^\s*\/\*[\s\S]*?\*\/\s*(-?)\}\}/.exec(source.slice(start));
  if (comment !== null) return { end: start + comment[0].length, trimAfter: comment[1] === '-' };
  tokens.push({ type: 'open', text: '{{', offset: open, spaced: false });
  let at = start;
  for (;;) {
    const spaces = /^\s*/.exec(source.slice(at))?.[0].length ?? 0;
    const spaced = spaces > 0;
    at += spaces;
    const trim = spaced && source.startsWith('-}}', at);
    if (trim || source.startsWith('}}', at)) {
      tokens.push({ type: 'close', text: '}}', offset: at, spaced });
      return { end: at + (trim ? 3 : 2), trimAfter: trim };
    }
    if (at >= source.length) throw new TemplateError(source, open, 'this action is not closed', 'add }}');
    const token = lexToken(source, at, spaced);
    tokens.push(token);
    at += lengths.get(token) ?? token.text.length;
  }
}

/** How long a string literal is in the source; its text is the decoded one. */
const lengths = new WeakMap<Token, number>();

function lexToken(source: string, offset: number, spaced: boolean): Token {
  const rest = source.slice(offset);
  const make = (type: Token['type'], text: string): Token => ({ type, text, offset, spaced });
  const field = /^\.[\p{L}_][\p{L}\p{N}_]*/u.exec(rest)?.[0];
  if (field !== undefined) return make('field', field.slice(0));
  const variable = /^\$[\p{L}_]?[\p{L}\p{N}_]*/u.exec(rest)?.[0];
  if (variable !== undefined) return make('variable', variable);
  const number = /^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?/.exec(rest)?.[0];
  if (number !== undefined) return make('number', number);
  const word = /^[\p{L}_][\p{L}\p{N}_]*/u.exec(rest)?.[0];
  if (word !== undefined) return make('word', word);
  if (rest.startsWith('"') || rest.startsWith('`')) return lexString(source, rest, make);
  const symbol = SYMBOLS.find((candidate) => rest.startsWith(candidate));
  if (symbol !== undefined) return make('symbol', symbol);
  throw new TemplateError(
    source,
    offset,
    `unexpected ${JSON.stringify(String.fromCodePoint(rest.codePointAt(0) ?? 0))}`,
  );
}

function lexString(source: string, rest: string, make: (type: 'string', text: string) => Token): Token {
  const literal = /^(?:"(?:[^"\\\n]|\\.)*"|`[^`]*`)/.exec(rest)?.[0];
  if (literal === undefined)
    throw new TemplateError(
      source,
      source.length - rest.length,
      'this string is not closed',
      `add a closing ${rest[0]}`,
    );
  const token = make('string', literal.startsWith('`') ? literal.slice(1, -1) : unquote(literal));
  lengths.set(token, literal.length);
  return token;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\x07', b: '\b', f: '\f', v: '\v' };

/** Decodes a Go string literal. */
function unquote(literal: string): string {
  return literal
    .slice(1, -1)
    .replace(
      /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|(.))/g,
      (_, x, u, long, octal, char) => {
        if (octal !== undefined) return String.fromCodePoint(Number.parseInt(octal, 8));
        const code = Number.parseInt(x ?? u ?? long ?? '', 16);
        if (!Number.isNaN(code)) return code <= 0x10ffff ? String.fromCodePoint(code) : '\ufffd';
        return ESCAPES[char as string] ?? (char as string);
      },
    );
}
