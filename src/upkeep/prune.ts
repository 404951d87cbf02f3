import { rmSync } from 'node:fs';
import { removeCacheMount } from '../cache/mounts/remove.ts';
import { createBlobSources, createLayerBlobs } from '../content/index.ts';
import type { FileLock } from '../native/types.ts';
import type { Digest } from '../oci/index.ts';
import { clearPlace } from '../snapshot/overlay/active.ts';
import { openRecords } from '../snapshot/overlay/records.ts';
import { pollLockFor } from '../store/index.ts';
import { collectionRefused, upkeepBusy } from './errors.ts';
import { forgetCacheRecords } from './forget.ts';
import { blobKey, readNeeds, snapshotKey } from './graph.ts';
import { type PruneRules, planPrune } from './plan.ts';
import { readDisk } from './settings.ts';
import { type SurveyOptions, surveyStore } from './survey.ts';
import { recordTotal } from './totals.ts';
import type { UpkeepContext, UpkeepNative, UsageItem } from './types.ts';

export interface PruneOptions extends SurveyOptions {
  /** Nothing is removed: only what would be is told. */
  readonly dryRun?: boolean;
  /** Told as it goes. */
  readonly onRemoved?: (item: UsageItem) => void;
  /** How long another prune is waited for; default until it has ended. */
  readonly waitMs?: number;
}

export interface PruneResult {
  readonly removed: readonly UsageItem[];
  readonly bytes: number;
  /** What the store takes now. */
  readonly totalBytes: number;
}

/**
 * Removes what rules let go; of several, each only as far as those before it were not enough. Beside builds: what they use is held (see
 * store/leases.ts); what goes, goes in one short step, and its files are deleted after that. An abort or a kill leaves nothing half removed
 * but files that a sweep deletes. Throws `STORE_BUSY`.
 */
export async function pruneByRules(
  context: UpkeepContext,
  native: UpkeepNative,
  all: readonly PruneRules[],
  options: PruneOptions = {},
): Promise<PruneResult> {
  const lock = options.dryRun ? undefined : await lockUpkeep(context, options);
  try {
    const survey = await surveyStore(context, native, options);
    const removed: UsageItem[] = [];
    let [items, totalBytes] = [survey.items, survey.totalBytes];
    for (const rules of all) {
      const { freeBytes } = readDisk(context.store.paths.root);
      const planned = planPrune({ items, totalBytes, freeBytes, nowMs: Date.now() }, rules);
      if (planned.length === 0) continue;
      const gone = new Set(options.dryRun ? planned : await removeItems(context, native, planned, options));
      removed.push(...gone);
      items = items.filter((item) => !gone.has(item));
      totalBytes -= sumBytes([...gone]);
    }
    if (!options.dryRun) {
      await recordTotal(context.store, totalBytes);
      await forgetCacheRecords(context, all.some(takesEverything) ? Date.now() : undefined);
    }
    return { removed, bytes: sumBytes(removed), totalBytes };
  } catch (error) {
    // Stopped on the way: what is gone is forgotten, or a later fsck would find names that lead nowhere.
    if (options.signal?.aborted && !options.dryRun) await forgetCacheRecords(context);
    throw error;
  } finally {
    lock?.release();
  }
}

function takesEverything({ maxUsedSpace, minFreeSpace, reservedSpace, unusedForMs, filters }: PruneRules): boolean {
  return (
    !maxUsedSpace &&
    !minFreeSpace &&
    !reservedSpace &&
    !unusedForMs &&
    filters.unusedForMs === undefined &&
    filters.isEmpty
  );
}

/** One at a time: two would decide on the same numbers. Throws `STORE_BUSY`. */
export async function lockUpkeep({ store }: UpkeepContext, { signal, waitMs }: PruneOptions): Promise<FileLock> {
  const tryLock = (): Promise<FileLock | undefined> => store.lock('upkeep', { exclusive: true, wait: false });
  const lock = await pollLockFor(waitMs ?? Number.POSITIVE_INFINITY, tryLock, signal);
  if (lock === undefined) throw upkeepBusy();
  return lock;
}

const sumBytes = (items: readonly UsageItem[]): number => items.reduce((sum, { bytes }) => sum + bytes, 0);

async function removeItems(
  context: UpkeepContext,
  native: UpkeepNative,
  planned: readonly UsageItem[],
  { signal, onRemoved }: PruneOptions,
): Promise<readonly UsageItem[]> {
  const { store, content, snapshotter } = context;
  const retired = await store.collect(
    async (held) => {
      const going = await stillFree(context, planned, held);
      const names = going.filter(({ kind }) => kind === 'snapshot').map(({ id }) => id);
      const digests = going.filter(({ kind }) => kind === 'blob').map(({ id }) => id as Digest);
      const removeTrees = await snapshotter.retire(names);
      const removeFiles = await content.retire(digests);
      return { going, digests, removeTrees, removeFiles };
    },
    { ...(signal === undefined ? {} : { signal }), waitMs: 10_000 },
  );
  if (retired === undefined) throw collectionRefused();
  const removed: UsageItem[] = [...retired.going];
  for (const item of removed) onRemoved?.(item);
  // Before anything is written: the disk may be full.
  await retired.removeFiles();
  await retired.removeTrees(signal);
  await forgetBlobs(context, retired.digests);
  for (const item of planned) {
    if (item.kind === 'snapshot' || item.kind === 'blob') continue;
    signal?.throwIfAborted();
    if (!(await removeOther(context, native, item, signal))) continue;
    removed.push(item);
    onRemoved?.(item);
  }
  return removed;
}

/** What nobody has begun to use since the plan was made, and what nothing stands on that stays. */
async function stillFree(
  context: UpkeepContext,
  planned: readonly UsageItem[],
  held: ReadonlySet<string>,
): Promise<readonly UsageItem[]> {
  const { kept } = await readNeeds(context, new Map([...held].map((name) => [name, ['']])));
  const going = new Map<string, UsageItem>();
  for (const item of planned) {
    if (item.kind === 'snapshot' && !kept.has(snapshotKey(item.id))) going.set(item.id, item);
    if (item.kind === 'blob' && !kept.has(blobKey(item.id))) going.set(blobKey(item.id), item);
  }
  // A child may have been made meanwhile; what it stands on stays, down to the bottom.
  const snapshots = new Map(context.snapshotter.list().map((info) => [info.name, info]));
  const keep = (name: string | undefined): void => {
    for (let at = name; at !== undefined && going.delete(at); at = snapshots.get(at)?.parent)
      keep(snapshots.get(at)?.changesOf);
  };
  for (const { name, parent, changesOf } of snapshots.values())
    if (!going.has(name)) {
      keep(parent);
      keep(changesOf);
    }
  return [...going.values()];
}

/** False where somebody has it now. */
async function removeOther(
  { store }: UpkeepContext,
  native: UpkeepNative,
  { kind, id, path }: UsageItem,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (kind === 'cache-mount') return removeCacheMount(store, native, id, signal);
  if (kind === 'git') {
    const lock = await store.lock(`git-${id.replace(/^git\//, '').replace(/\.new$/, '')}`, {
      exclusive: true,
      wait: false,
    });
    if (lock === undefined) return false;
    try {
      await native.removeTree(path);
    } finally {
      lock.release();
    }
    return true;
  }
  if (kind === 'lost-snapshot') return clearPlace({ store, records: openRecords(store), native }, id);
  rmSync(path, { force: true });
  return true;
}

async function forgetBlobs({ store, content }: UpkeepContext, digests: readonly Digest[]): Promise<void> {
  if (digests.length === 0) return;
  const sources = createBlobSources(store);
  await Promise.all([...digests.map((digest) => sources.remove(digest)), createLayerBlobs(store, content).prune()]);
}
