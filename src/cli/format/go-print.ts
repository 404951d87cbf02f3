/** A list or map that is not there: prints as an empty one, is `null` in JSON, as Go's nil values are. */
export class Nil {
  readonly kind: 'list' | 'map';

  constructor(kind: 'list' | 'map') {
    this.kind = kind;
  }

  toJSON(): null {
    return null;
  }
}

/** A value as Go's `%v` prints it. */
export function printValue(value: unknown, nested = false): string {
  if (value === undefined) return '<no value>';
  if (value === null) return nested ? '<nil>' : '<no value>';
  if (value instanceof Nil) return value.kind === 'list' ? '[]' : 'map[]';
  if (Array.isArray(value)) return `[${value.map((item) => printValue(item, true)).join(' ')}]`;
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    return `map[${entries.map(([key, item]) => `${key}:${printValue(item, true)}`).join(' ')}]`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Go's Printf for the verbs that templates use: `%s %v %d %q %t %x %f %%` with flags, width and precision. */
export function formatPrintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+ 0#]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width, precision, verb) => {
      if (verb === '%') return '%';
      if (next >= args.length) return `%!${verb}(MISSING)`;
      const value = args[next++];
      const printed = printVerb(verb as string, value, precision === undefined ? undefined : Number(precision), flags);
      const columns = width === undefined ? 0 : Number(width);
      if (flags.includes('-')) return printed.padEnd(columns);
      if (flags.includes('0') && typeof value === 'number') return padZeros(printed, columns);
      return printed.padStart(columns);
    },
  );
  const extra = args.slice(next).map((value) => `${typeof value}=${printValue(value, true)}`);
  return extra.length === 0 ? text : `${text}%!(EXTRA ${extra.join(', ')})`;
}

function printVerb(verb: string, value: unknown, precision: number | undefined, flags: string): string {
  switch (verb) {
    case 's':
    case 'v':
      return printValue(value, true).slice(0, verb === 's' ? precision : undefined);
    case 'd':
      if (typeof value === 'number') return `${flags.includes('+') && value >= 0 ? '+' : ''}${Math.trunc(value)}`;
      break;
    case 'q':
      return typeof value === 'number' ? `'${String.fromCodePoint(value)}'` : JSON.stringify(printValue(value, true));
    case 't':
      if (typeof value === 'boolean') return String(value);
      break;
    case 'x':
    case 'X': {
      const hex = typeof value === 'number' ? value.toString(16) : Buffer.from(printValue(value, true)).toString('hex');
      return verb === 'X' ? hex.toUpperCase() : hex;
    }
    case 'f':
      if (typeof value === 'number') return value.toFixed(precision ?? 6);
      break;
    case 'T':
      return Array.isArray(value) ? 'list' : typeof value;
  }
  return `%!${verb}(${typeof value}=${printValue(value, true)})`;
}

function padZeros(text: string, width: number): string {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + text.slice(sign.length).padStart(width - sign.length, '0');
}
