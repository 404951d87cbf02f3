/** Sizes and spans of time as docker and Go write them; every flag, setting and instruction that takes one reads it here. */

const BYTE_UNITS = 'bkmgtp';

/** `64m`, `1.5GiB`, `100`: a size as docker reads it (units of 1024), in bytes; `undefined` when it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?([bkmgtp])?(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const power = BYTE_UNITS.indexOf((match[2] ?? 'b').toLowerCase());
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

const UNIT_NANOSECONDS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** `1h30m`, `1.5s`, `0`: a duration as Go writes it, in nanoseconds; `undefined` when it is none. */
export function parseDuration(text: string): number | undefined {
  const [, sign, body = ''] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (body === '0') return 0;
  if (!/^(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/.test(body)) return undefined;
  let total = 0;
  for (const [, number, unit = ''] of body.matchAll(/([\d.]+)(ns|us|µs|μs|ms|s|m|h)/g))
    total += Number(number) * (UNIT_NANOSECONDS[unit] ?? 0);
  if (total > 2 ** 63) return undefined;
  return Math.trunc(sign === '-' ? -total : total);
}

/** A duration that is not negative, in milliseconds; `undefined` when it is none. */
export function parseSpanMs(text: string): number | undefined {
  const nanoseconds = /^[-+]/.test(text) ? undefined : parseDuration(text);
  return nanoseconds === undefined ? undefined : nanoseconds / 1e6;
}

/** As Go prints a duration: `1h0m0s`, `1m30s`, `500ms`, `0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return '0s';
  const sign = nanoseconds < 0 ? '-' : '';
  const value = Math.abs(nanoseconds);
  if (value < 1e3) return `${sign}${value}ns`;
  if (value < 1e6) return `${sign}${value / 1e3}µs`;
  if (value < 1e9) return `${sign}${value / 1e6}ms`;
  const hours = Math.floor(value / 3600e9);
  const minutes = Math.floor((value % 3600e9) / 60e9);
  const seconds = (value % 60e9) / 1e9;
  const head = hours > 0 ? `${hours}h${minutes}m` : minutes > 0 ? `${minutes}m` : '';
  return `${sign}${head}${seconds}s`;
}
