import type { CacheRecord } from '../cache/index.ts';
import type { Store } from '../store/index.ts';

/** What the build cache says of a snapshot. */
export interface CacheUse {
  /** Of the steps whose result it is. */
  readonly names: readonly string[];
  readonly records: readonly string[];
  /** When a build last had a use for it, to about an hour. */
  readonly lastUsedMs: number;
}

/** By the snapshot's name. */
export function readCacheUses(store: Pick<Store, 'table'>): ReadonlyMap<string, CacheUse> {
  const uses = new Map<string, { names: string[]; records: string[]; lastUsedMs: number }>();
  for (const { key, value } of store.table<Partial<CacheRecord>>('cache-records').entries())
    for (const snapshot of value.snapshots ?? []) {
      if (snapshot === null) continue;
      const use = uses.get(snapshot) ?? { names: [], records: [], lastUsedMs: 0 };
      uses.set(snapshot, use);
      use.records.push(key);
      if (value.name !== undefined && !use.names.includes(value.name)) use.names.push(value.name);
      use.lastUsedMs = Math.max(use.lastUsedMs, value.lastUsedMs ?? 0);
    }
  return uses;
}
