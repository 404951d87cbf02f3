import { suggest } from '../../suggest.ts';
import { parseUntil } from '../../upkeep/filters.ts';
import { invalidFlag, usageError } from '../usage-errors.ts';
import { parseBoolean } from './boolean.ts';

/** What `--filter` of `image prune` and `system prune` leaves to be removed. */
export interface PruneFilters {
  /** `dangling=false` means all images, as `-a` does. */
  readonly dangling?: boolean;
  readonly label: readonly string[];
  readonly notLabel: readonly string[];
  /** Only what is older than so many milliseconds. */
  readonly untilMs?: number;
}

const FILTERS = ['until', 'label', 'label!', 'dangling'];

/** Docker's filters: `until=24h`, `label=key[=value]`, `label!=key[=value]`, `dangling=false`. Throws `USAGE`, `FLAG_INVALID`, `FILTER_INVALID`. */
export function parsePruneFilters(values: readonly string[]): PruneFilters {
  let filters: PruneFilters = { label: [], notLabel: [] };
  for (const text of values) {
    const [, key = '', value] = /^\s*([^=]*?)\s*(?:=(.*))?$/s.exec(text) ?? [];
    if (value === undefined) throw invalidFlag('--filter', text, 'it is not key=value');
    if (key === 'label') filters = { ...filters, label: [...filters.label, value] };
    else if (key === 'label!') filters = { ...filters, notLabel: [...filters.notLabel, value] };
    else if (key === 'until') {
      if (filters.untilMs !== undefined) throw invalidFlag('--filter', text, 'until is given twice');
      filters = { ...filters, untilMs: parseUntil(text, value.trim()) };
    } else if (key === 'dangling') {
      const dangling = parseBoolean(value.trim());
      if (dangling === undefined) throw invalidFlag('--filter', text, 'dangling is true or false');
      if (filters.dangling === !dangling) throw invalidFlag('--filter', text, 'another filter says the opposite');
      filters = { ...filters, dangling };
    } else {
      const near = suggest(key, FILTERS);
      throw usageError(
        `there is no filter ${JSON.stringify(key)} here`,
        near === undefined ? 'filters are until, label, label! and dangling' : `did you mean ${near}?`,
      );
    }
  }
  return filters;
}

/** Whether all images are meant, not only those that lost their names. Throws `USAGE`. */
export function wantsAll(all: boolean | undefined, { dangling }: PruneFilters): boolean {
  if (all && dangling) throw usageError('-a and --filter dangling=true contradict each other');
  return all === true || dangling === false;
}
