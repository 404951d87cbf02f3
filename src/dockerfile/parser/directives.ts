import { syntaxError } from '../errors.ts';
import { trimLeft } from '../text.ts';
import type { DirectiveNode } from './ast.ts';

const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;

/** Reads parser directives: only in the first lines, each at most once; anything else ends them, but for a shebang. */
export class DirectiveReader {
  /** Directives may still come. */
  isOpen = true;
  #afterShebang = false;
  readonly #seen = new Set<string>();
  readonly #mark: string;

  /** What a comment begins with. */
  constructor(mark = '#') {
    this.#mark = mark;
  }

  /** The directive on this line, or `undefined`; then no later line is one. Throws on a duplicate or bad value. */
  read(text: string, line: number, column: number): DirectiveNode | undefined {
    const directive = parseDirective(text, this.#mark, line, column);
    if (directive === undefined) {
      // A first line for the kernel (`#!/usr/bin/env …`) stands before the directives, not in place of them.
      if (line === 1 && text.startsWith('#!')) this.#afterShebang = true;
      else this.isOpen = false;
      return undefined;
    }
    const { name, range } = directive;
    if (this.#seen.has(name)) {
      this.isOpen = false;
      if (this.#afterShebang) return undefined;
      throw syntaxError(`the ${name} directive may be given only once`, range);
    }
    this.#seen.add(name);
    // Below a line for the kernel BuildKit looks for the frontend and the checks, and its parser for nothing.
    return this.#afterShebang && name === 'escape' ? undefined : directive;
  }
}

function parseDirective(text: string, mark: string, line: number, column: number): DirectiveNode | undefined {
  if (!text.startsWith(mark)) return undefined;
  const body = trimLeft(text.slice(mark.length));
  const match = DIRECTIVE.exec(body);
  const name = match?.[1]?.toLowerCase();
  const value = match?.[2];
  if (value === undefined || (name !== 'syntax' && name !== 'escape' && name !== 'check')) return undefined;
  const bodyStart = column + text.length - body.length;
  const equals = body.indexOf('=');
  const valueStart = bodyStart + body.indexOf(value, equals + 1);
  return {
    name,
    value,
    range: { start: { line, column }, end: { line, column: column + text.trimEnd().length } },
    valueRange: { start: { line, column: valueStart }, end: { line, column: valueStart + value.length } },
  };
}
