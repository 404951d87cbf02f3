const UNITS = 'bkmgtp';

/** `64m`, `1.5GiB`, `100`: a size as docker reads it (units of 1024), in bytes; `undefined` when it is none. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?([bkmgtp])?(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const power = UNITS.indexOf((match[2] ?? 'b').toLowerCase());
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
