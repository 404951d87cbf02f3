import { invalidFlag } from '../usage-errors.ts';
import { splitCsv } from './csv.ts';

/** Reads `--no-cache-filter`: names of stages, separated by commas; it may be given many times. Throws `FLAG_INVALID`. */
export function collectStages(text: string, previous: unknown): string[] {
  const collected = Array.isArray(previous) ? (previous as string[]) : [];
  // An empty variable of a script names none.
  if (text === '') return collected;
  const names = splitCsv(text)?.map((name) => name.trim());
  if (names === undefined) throw invalidFlag('--no-cache-filter', text, 'its quotes do not fit');
  if (names.includes('')) throw invalidFlag('--no-cache-filter', text, 'a name of a stage is empty');
  return [...collected, ...names];
}

/** Reads `--fail-on-miss`: as `--no-cache-filter`, and without stages it is for all. Throws `FLAG_INVALID`. */
export function collectMissStages(text: string, previous: unknown): true | readonly string[] {
  return text === '' || previous === true ? true : collectStages(text, previous);
}
