import { syntaxError } from '../errors.ts';
import { trimLeft } from '../text.ts';
import type { DirectiveNode } from './ast.ts';

const DIRECTIVE = /^([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;

/** Reads parser directives: only in the first lines, each at most once; anything else ends them. */
export class DirectiveReader {
  /** Directives may still come. */
  isOpen = true;
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
      if (line !== 1 || !text.startsWith('#!')) this.isOpen = false;
      return undefined;
    }
    if (this.#seen.has(directive.name))
      throw syntaxError(`the ${directive.name} directive may be given only once`, directive.range);
    this.#seen.add(directive.name);
    return directive;
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
