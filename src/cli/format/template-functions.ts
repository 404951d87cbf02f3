import { formatPrintf, Nil, printValue } from './go-print.ts';
import { formatJson } from './json.ts';

/** A function of templates. A thrown text becomes an error at the call's place. */
export type TemplateFunction = (...args: readonly unknown[]) => unknown;

export class FunctionError extends Error {}

/** Go's own functions and those that docker adds. `and` and `or` are the evaluator's: they skip arguments. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => formatJson(value ?? null),
  upper: (text) => asText(text).toUpperCase(),
  lower: (text) => asText(text).toLowerCase(),
  title: (text) =>
    asText(text).replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  join: (list, separator = '') =>
    asList(list)
      .map((item) => printValue(item, true))
      .join(asText(separator)),
  split: (text, separator) => asText(text).split(asText(separator)),
  pad: (text, before, after) =>
    asText(text) === '' ? '' : ' '.repeat(asCount(before)) + asText(text) + ' '.repeat(asCount(after)),
  truncate: (text, length) => asText(text).slice(0, asCount(length)),
  print: (...args) => args.map((arg) => printValue(arg, true)).join(''),
  println: (...args) => `${args.map((arg) => printValue(arg, true)).join(' ')}\n`,
  printf: (format, ...args) => formatPrintf(asText(format), args),
  len: (value) => lengthOf(value),
  index: (value, ...keys) => keys.reduce(indexOnce, value),
  slice: (value, from = 0, to) => sliceValue(value, asCount(from), to === undefined ? undefined : asCount(to)),
  not: (value) => !isTrue(value),
  eq: (value, ...others) => others.some((other) => isEqual(value, other)),
  ne: (value, other) => !isEqual(value, other),
  lt: (a, b) => compare(a, b) < 0,
  le: (a, b) => compare(a, b) <= 0,
  gt: (a, b) => compare(a, b) > 0,
  ge: (a, b) => compare(a, b) >= 0,
};

/** Whether a value counts as true in `if`: not zero, not empty, not absent. */
export function isTrue(value: unknown): boolean {
  if (value === null || value === undefined || value instanceof Nil) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object') return Object.keys(value).length > 0;
  return Boolean(value);
}

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  throw new FunctionError(`expected a string, and got ${describe(value)}`);
}

function asCount(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 4096) return value;
  throw new FunctionError(`expected a number from 0 to 4096, and got ${describe(value)}`);
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  if (value instanceof Nil || value === null || value === undefined) return [];
  throw new FunctionError(`expected a list, and got ${describe(value)}`);
}

function lengthOf(value: unknown): number {
  if (value instanceof Nil) return 0;
  // Go counts bytes.
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length;
  throw new FunctionError(`${describe(value)} has no length`);
}

function indexOnce(value: unknown, key: unknown): unknown {
  if (Array.isArray(value) || (value instanceof Nil && value.kind === 'list')) {
    const list = asList(value);
    if (typeof key !== 'number') throw new FunctionError(`a list is indexed by a number, not by ${describe(key)}`);
    if (key < 0 || key >= list.length)
      throw new FunctionError(`index ${key} is out of range: the list has ${list.length}`);
    return list[key];
  }
  if (value instanceof Nil) return '';
  if (typeof value === 'object' && value !== null) {
    const name = asText(key);
    return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : '';
  }
  throw new FunctionError(`${describe(value)} cannot be indexed`);
}

function sliceValue(value: unknown, from: number, to: number | undefined): unknown {
  return typeof value === 'string' ? value.slice(from, to) : asList(value).slice(from, to);
}

function isEqual(a: unknown, b: unknown): boolean {
  if (typeof a === 'object' && a !== null && typeof b === 'object' && b !== null)
    throw new FunctionError('lists and maps cannot be compared');
  return (a ?? null) === (b ?? null);
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  throw new FunctionError(`${describe(a)} and ${describe(b)} cannot be compared`);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value) || (value instanceof Nil && value.kind === 'list')) return 'a list';
  if (typeof value === 'object') return 'a map';
  return JSON.stringify(value);
}
