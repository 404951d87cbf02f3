import type { BuildRecord, BuildStatus } from '../../index.ts';
import { parseSpanMs } from '../../quantities.ts';
import { suggest } from '../../suggest.ts';
import { durationOf } from '../format/build-record.ts';
import { invalidFlag, usageError } from '../usage-errors.ts';

export type BuildFilter = (build: BuildRecord) => boolean;

const OPERATORS: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
};

const TEXTS: Readonly<Record<string, (build: BuildRecord) => string>> = {
  ref: ({ id }) => id,
  repository: ({ git }) => git?.root ?? '',
  status: ({ status }) => status,
};

const STATUSES: readonly BuildStatus[] = ['running', 'completed', 'error', 'canceled', 'killed'];

const NUMBERS: Readonly<Record<string, (build: BuildRecord) => number>> = {
  startedAt: ({ createdMs }) => createdMs,
  completedAt: ({ completedMs = Number.NaN }) => completedMs,
  duration: (build) => durationOf(build) ?? Number.NaN,
};

/**
 * One `--filter` of `buildx history ls`: `status=error`, `duration>10s`, `startedAt>=2026-01-02T03:04:05Z` (or `startedAt>24h`: ago).
 * Throws `FLAG_INVALID`.
 */
export function parseBuildFilter(text: string): BuildFilter {
  const match = /^([A-Za-z]+)(!=|>=|<=|=|>|<)(.*)$/s.exec(text);
  if (match === null) throw invalidFlag('--filter', text, 'it is not key=value');
  const [, key = '', operator = '', value = ''] = match;
  const [textOf, numberOf] = [TEXTS[key], NUMBERS[key]];
  if (textOf !== undefined) {
    if (key === 'status') checkStatus(text, value);
    if (operator !== '=' && operator !== '!=') throw invalidFlag('--filter', text, `${key} takes = and !=`);
    return (build) => (textOf(build) === value) === (operator === '=');
  }
  const compare = OPERATORS[operator];
  if (numberOf === undefined || compare === undefined) {
    const keys = [...Object.keys(TEXTS), ...Object.keys(NUMBERS)];
    const near = suggest(key, keys);
    throw usageError(
      `there is no build filter ${JSON.stringify(key)}`,
      near === undefined ? `filters are ${keys.join(', ')}` : `did you mean ${near}?`,
    );
  }
  const bound = key === 'duration' ? parseSpanMs(value) : parseTime(value);
  if (bound === undefined || Number.isNaN(bound))
    throw invalidFlag(
      '--filter',
      text,
      key === 'duration' ? 'a time span is 1h30m or 1.5s' : 'a time is RFC 3339, or 24h: ago',
    );
  return (build) => compare(numberOf(build), bound);
}

/** A status that no build has would silently list nothing. */
function checkStatus(text: string, value: string): void {
  if (STATUSES.some((status) => status === value)) return;
  const near = suggest(value, STATUSES);
  const hint = near === undefined ? `a build is ${STATUSES.join(', ')}` : `did you mean ${near}?`;
  throw invalidFlag('--filter', text, `there is no status ${JSON.stringify(value)}`, hint);
}

function parseTime(value: string): number | undefined {
  const ago = parseSpanMs(value);
  if (ago !== undefined) return Date.now() - ago;
  return /^\d{4}-\d{2}-\d{2}(?:T|$)/.test(value) ? Date.parse(value) : undefined;
}
