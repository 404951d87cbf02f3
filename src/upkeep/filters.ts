import { parseSpanMs } from '../quantities.ts';
import { suggest } from '../suggest.ts';
import { filterInvalid } from './errors.ts';
import { USAGE_TYPES, type UsageItem } from './types.ts';

/** What `--filter` says; all of it must hold. */
export interface UsageFilters {
  readonly isEmpty: boolean;
  readonly matches: (item: UsageItem) => boolean;
  /** `until`: only what has not been used for so long. */
  readonly unusedForMs?: number;
}

const FIELDS = ['id', 'parents', 'description', 'type', 'inuse', 'mutable', 'immutable', 'shared', 'private'] as const;
const NAMES = [...FIELDS, 'until'];

/**
 * Reads filters as `buildx prune` takes them: `key`, `key=value`, `key!=value`, `key~=expression`. `id` and `parents` are satisfied by the
 * beginning of an ID. Throws `FILTER_INVALID`.
 */
export function compileFilters(texts: readonly string[]): UsageFilters {
  const tests: ((item: UsageItem) => boolean)[] = [];
  let unusedForMs: number | undefined;
  for (const text of texts) {
    const [, key = '', operator, value = ''] = /^([a-z-]+)\s*(?:(==|=|!=|~=)(.*))?$/s.exec(text.trim()) ?? [];
    if (key === 'until' || key === 'unused-for') {
      if (operator !== '=' && operator !== '==') throw filterInvalid(text, 'write until=24h');
      unusedForMs = parseUntil(text, value);
    } else if (isField(key)) tests.push(compileTest(text, key, operator, value));
    else {
      const near = suggest(key, NAMES);
      throw filterInvalid(
        text,
        'there is no such filter',
        near === undefined ? `filters are ${NAMES.join(', ')}` : `did you mean ${near}?`,
      );
    }
  }
  return {
    isEmpty: texts.length === 0,
    matches: (item) => tests.every((test) => test(item)),
    ...(unusedForMs === undefined ? {} : { unusedForMs }),
  };
}

type Field = (typeof FIELDS)[number];

function isField(key: string): key is Field {
  return (FIELDS as readonly string[]).includes(key);
}

function compileTest(
  text: string,
  field: Field,
  operator: string | undefined,
  value: string,
): (item: UsageItem) => boolean {
  const flag = FLAGS[field];
  if (flag !== undefined) {
    if (operator === undefined) return flag;
    if (operator === '~=' || !/^(?:true|false|1|0)$/.test(value)) throw filterInvalid(text, 'it is true or false');
    const wanted = (value === 'true' || value === '1') === (operator !== '!=');
    return (item) => flag(item) === wanted;
  }
  if (operator === undefined) return (item) => valuesOf(item, field).some((each) => each !== '');
  if (field === 'type' && operator !== '~=' && !(USAGE_TYPES as readonly string[]).includes(value))
    throw filterInvalid(text, 'there is no such type', `types are ${USAGE_TYPES.join(', ')}`);
  const fits = compileValue(text, field, operator, value);
  return (item) => valuesOf(item, field).some(fits) === (operator !== '!=');
}

function compileValue(text: string, field: Field, operator: string, value: string): (actual: string) => boolean {
  if (operator === '~=') {
    try {
      const expression = new RegExp(value);
      return (actual) => expression.test(actual);
    } catch (error) {
      throw filterInvalid(text, error instanceof Error ? error.message : 'no regular expression');
    }
  }
  if (field !== 'id' && field !== 'parents') return (actual) => actual === value;
  return (actual) => value !== '' && startsWithID(actual, value);
}

/** `sha256:` may be left out; a table's star says that something is mutable. */
export function startsWithID(id: string, text: string): boolean {
  const wanted = text.replace(/\*$/, '');
  return id.startsWith(wanted) || id.replace(/^[a-z0-9]+:/, '').startsWith(wanted);
}

const FLAGS: Partial<Record<Field, (item: UsageItem) => boolean>> = {
  inuse: ({ inUse }) => inUse,
  mutable: ({ mutable }) => mutable,
  immutable: ({ mutable }) => !mutable,
  shared: ({ shared }) => shared,
  private: ({ shared }) => !shared,
};

function valuesOf(item: UsageItem, field: Field): readonly string[] {
  if (field === 'id') return [item.id];
  if (field === 'parents') return item.parents;
  return [field === 'type' ? item.type : item.description];
}

const DAY_MS = 24 * 3_600_000;

/** `24h`, `1h30m`, `7d`; or a point in time, RFC 3339 or seconds since the epoch. Throws `FILTER_INVALID`. */
export function parseUntil(text: string, value: string, nowMs = Date.now()): number {
  const [, days, rest = ''] = /^(?:(\d+(?:\.\d+)?)d)?(.*)$/s.exec(value) ?? [];
  const spanMs = days !== undefined && rest === '' ? 0 : parseSpanMs(rest);
  if (spanMs !== undefined) return Number(days ?? 0) * DAY_MS + spanMs;
  const time = /^\d{9,}$/.test(value) ? Number(value) * 1000 : Date.parse(value);
  if (Number.isNaN(time)) throw filterInvalid(text, `${JSON.stringify(value)} is no time span (24h, 7d) and no time`);
  return Math.max(0, nowMs - time);
}
