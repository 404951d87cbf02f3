import { compileFilters } from './filters.ts';
import { type NeedGraph, readNeeds } from './graph.ts';
import { takeInventory } from './inventory.ts';
import type { UpkeepContext, UpkeepNative, Usage, UsageItem } from './types.ts';
import { type CacheUse, readCacheUses } from './uses.ts';

/** Everything in a store, and what stands on what. */
export interface Survey extends Usage {
  readonly needs: NeedGraph;
  readonly uses: ReadonlyMap<string, CacheUse>;
}

export interface SurveyOptions {
  readonly signal?: AbortSignal;
  /** Files and bytes so far. */
  readonly onProgress?: (files: number, bytes: number) => void;
}

/**
 * Looks at everything below the root of a store, and measures it. Whatever is there is accounted for: what nobody knows is `stray`. While
 * others work on the store, the numbers are those of no single moment.
 */
export async function surveyStore(
  context: UpkeepContext,
  native: UpkeepNative,
  options: SurveyOptions = {},
): Promise<Survey> {
  const { store } = context;
  const needs = await readNeeds(context, await store.holders());
  const uses = readCacheUses(store);
  const found = await takeInventory(context, needs, uses);
  const watch = native.createWatch();
  const cancel = (): void => watch.cancel();
  options.signal?.addEventListener('abort', cancel);
  const timer = setInterval(() => {
    const { files, bytes } = watch.progress();
    options.onProgress?.(files, bytes);
  }, 200);
  try {
    const paths = found.map(({ path, ownBytes }) => (ownBytes === undefined ? path : ''));
    const measured = await native.measureTrees({ paths, watch });
    const items = found.map(({ ownBytes, ...item }, i): UsageItem => {
      return ownBytes === undefined
        ? { ...item, bytes: measured.bytes[i] ?? 0, files: measured.files[i] ?? 0 }
        : { ...item, bytes: ownBytes, files: 1 };
    });
    return { ...addUp(store.paths.root, items), needs, uses };
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    clearInterval(timer);
    options.signal?.removeEventListener('abort', cancel);
  }
}

function addUp(root: string, items: readonly UsageItem[]): Usage {
  const sum = (keep: (item: UsageItem) => boolean): number =>
    items.reduce((total, item) => total + (keep(item) ? item.bytes : 0), 0);
  return {
    root,
    items,
    totalBytes: sum(() => true),
    reclaimableBytes: sum(({ reclaimable }) => reclaimable),
    sharedBytes: sum(({ shared }) => shared),
  };
}

/** What filters leave of it. Throws `FILTER_INVALID`. */
export function filterUsage({ root, items }: Usage, filters: readonly string[]): Usage {
  const { matches, unusedForMs = 0 } = compileFilters(filters);
  const before = Date.now() - unusedForMs;
  return addUp(
    root,
    items.filter((item) => matches(item) && (unusedForMs === 0 || (item.lastUsedMs ?? 0) <= before)),
  );
}
