import type { CheckStoreOptions } from '../build/fsck.ts';
import { native } from '../native/index.ts';
import type { StoreCheck } from '../upkeep/fsck/types.ts';
import type { PruneResult } from '../upkeep/prune.ts';
import type { Usage, UsageItem } from '../upkeep/types.ts';
import type { KeptReport } from '../upkeep/why-kept.ts';
import { withWorkspace } from '../workspace.ts';
import type { StoreOptions } from './options.ts';
import { EXISTING, READ } from './options.ts';

export interface DiskUsageOptions extends StoreOptions {
  /** As `buildx du --filter` takes them: `type=regular`, `inuse`, `id~=^3f`. */
  readonly filters?: readonly string[];
  readonly signal?: AbortSignal;
  /** Files and bytes that were looked at so far. */
  readonly onProgress?: (files: number, bytes: number) => void;
}

/**
 * `buildx du`: what a store takes on disk, to the byte what `du -s` says of its root; with filters, of what they leave. Throws
 * `FILTER_INVALID`.
 */
export async function diskUsage(options: DiskUsageOptions = {}): Promise<Usage> {
  const { filterUsage, surveyStore } = await import('../upkeep/index.ts');
  return withWorkspace(
    options.root,
    async (workspace) => filterUsage(await surveyStore(workspace, native, options), options.filters ?? []),
    READ,
  );
}

export interface PruneStoreOptions extends DiskUsageOptions {
  /** Also what images of the store have too, and what is only for the builder itself. */
  readonly all?: boolean;
  /** Bytes, for the whole store. Without any limit all that the filters leave goes. */
  readonly maxUsedSpace?: number;
  readonly minFreeSpace?: number;
  readonly reservedSpace?: number;
  /** Only what was not used for so long. */
  readonly unusedForMs?: number;
  readonly dryRun?: boolean;
  readonly onRemoved?: (item: UsageItem) => void;
}

/**
 * `buildx prune`: removes what no image needs and no running build uses, what was not used for the longest time first. Throws
 * `FILTER_INVALID`, `STORE_BUSY`.
 */
export async function pruneStore(options: PruneStoreOptions = {}): Promise<PruneResult> {
  const { compileFilters, pruneByRules } = await import('../upkeep/index.ts');
  const { all = false, filters = [], maxUsedSpace, minFreeSpace, reservedSpace, unusedForMs } = options;
  const rules = {
    all,
    filters: compileFilters(filters),
    ...(maxUsedSpace === undefined ? {} : { maxUsedSpace }),
    ...(minFreeSpace === undefined ? {} : { minFreeSpace }),
    ...(reservedSpace === undefined ? {} : { reservedSpace }),
    ...(unusedForMs === undefined ? {} : { unusedForMs }),
  };
  return withWorkspace(
    options.root,
    async (workspace) => {
      if (!options.dryRun) {
        if (workspace.store.isReadOnly) return { removed: [], bytes: 0, totalBytes: 0 };
        await workspace.sweep();
      }
      return pruneByRules(workspace, native, [rules], options);
    },
    options.dryRun ? READ : EXISTING,
  );
}

/** What keeps an image, snapshot, blob, cache mount or cache record in the store, and what would free it. Throws `NOTHING_FOUND`, `NAME_AMBIGUOUS`. */
export async function whyKept(
  reference: string,
  options: StoreOptions & { readonly signal?: AbortSignal } = {},
): Promise<readonly KeptReport[]> {
  const { explainKept, surveyStore } = await import('../upkeep/index.ts');
  return withWorkspace(
    options.root,
    async (workspace) => explainKept(workspace, await surveyStore(workspace, native, options), reference),
    READ,
  );
}

/**
 * `tsbuild fsck`: verifies every blob, snapshot, image and record of a store; with `repair` mends what can be mended. No image that is whole
 * is lost by it. Throws `STORE_BUSY`.
 */
export async function checkStore(options: CheckStoreOptions = {}): Promise<StoreCheck> {
  return (await import('../build/fsck.ts')).checkStoreAt(options);
}
