import { didYouMean } from '../../errors.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';

export const UnknownCacheFilter: Rule = {
  name: 'UnknownCacheFilter',
  description: 'Every --no-cache-filter names a stage',
  own: true,
};

/** A `--no-cache-filter` that names no stage of the file: nothing would tell that it did nothing. */
export function checkCacheFilters(
  lint: Linter,
  filters: readonly string[],
  stages: ReadonlyMap<string, unknown>,
): void {
  for (const name of filters) {
    if (stages.has(name.toLowerCase())) continue;
    const near = didYouMean(lint.suggest(name, stages.keys()));
    const message = `--no-cache-filter: no stage has the name ${JSON.stringify(name)}${near === undefined ? '' : ` (${near})`}`;
    lint.warn(UnknownCacheFilter, message);
  }
}
