import { longFlag, type OptionSpec, shortFlag, takesValue } from '../command-spec.ts';
import { invalidFlag } from '../usage-errors.ts';

/** What Go's strconv.ParseBool takes, since docker's flags are read by it. */
const BOOLEANS: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(['1', 't', 'T', 'true', 'TRUE', 'True'].map((word) => [word, true])),
  ...Object.fromEntries(['0', 'f', 'F', 'false', 'FALSE', 'False'].map((word) => [word, false])),
};

/** `true` and `false` as docker's flags spell them; `undefined` for anything else. */
export function parseBoolean(text: string): boolean | undefined {
  return Object.hasOwn(BOOLEANS, text) ? BOOLEANS[text] : undefined;
}

/** The hidden flag that turns off an option that is on by default. */
export function negation(option: OptionSpec): string {
  return longFlag(option).replace('--', '--no-');
}

/**
 * Docker's boolean flags may have a value (`--pull=true`, `--no-cache=false`), commander's may not: `=true` is dropped and `=false`
 * takes the flag back. Throws `FLAG_INVALID`.
 */
export function normalizeBooleans(argv: readonly string[], options: readonly OptionSpec[]): string[] {
  const booleans = new Map(options.filter((option) => !takesValue(option)).map((option) => [longFlag(option), option]));
  const withValue = new Set(
    options.filter(takesValue).flatMap((option) => [longFlag(option), shortFlag(option) ?? longFlag(option)]),
  );
  let result: string[] = [];
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] ?? '';
    if (arg === '--') return [...result, ...argv.slice(at)];
    if (withValue.has(arg)) {
      result.push(...argv.slice(at, at + 2));
      at++;
      continue;
    }
    const [, flag = '', value = ''] = /^(--[a-z-]+)=(.*)$/s.exec(arg) ?? [];
    const option = booleans.get(flag);
    if (option === undefined) {
      result.push(arg);
      continue;
    }
    const on = parseBoolean(value);
    if (on === undefined) throw invalidFlag(flag, value, 'it must be true or false');
    const spellings = [flag, shortFlag(option)];
    if (on) result.push(flag);
    else {
      result = result.filter((earlier) => !spellings.includes(earlier));
      if (option.default === true) result.push(negation(option));
    }
  }
  return result;
}
