import type { CacheRecord } from '../cache/index.ts';
import type { DefinitionRecord } from '../solver/types.ts';
import type { UpkeepContext } from './types.ts';

/**
 * A step whose tree is gone is still good for something: what it made is known by its content, so that a step which only copied from
 * it is found without running it again. After so long nobody asks any more.
 */
const KEEP_DEAD_MS = 30 * 24 * 3_600_000;

/**
 * Forgets cache records of which a snapshot is gone and which were last used before `beforeMs` (default: 30 days ago), and content
 * digests of snapshots that nothing names any more, what definitions led to of which there is no record, and stacks of layers whose
 * snapshot is gone.
 */
export async function forgetCacheRecords(
  { store, snapshotter }: UpkeepContext,
  beforeMs: number = Date.now() - KEEP_DEAD_MS,
): Promise<number> {
  const records = store.table<Partial<CacheRecord>>('cache-records');
  const contents = store.table<unknown>('content-digests');
  const isDead = (record: Partial<CacheRecord>): boolean =>
    (record.lastUsedMs ?? 0) <= beforeMs &&
    (record.snapshots ?? []).some((name) => name !== null && snapshotter.stat(name) === undefined);
  const dead = [...records.entries()].filter(({ value }) => isDead(value)).map(({ key }) => key);
  // Asked again within the transaction: a build may have made it anew.
  await Promise.all(
    dead.map((key) => records.update(key, (record) => (record === undefined || isDead(record) ? undefined : record))),
  );
  const named = new Set([...records.entries()].flatMap(({ value }) => value.snapshots ?? []));
  const isNameless = (key: string): boolean => {
    const name = key.slice(0, key.indexOf(' '));
    return name !== '-' && !named.has(name) && snapshotter.stat(name) === undefined;
  };
  const nameless = [...contents.entries()].map(({ key }) => key).filter(isNameless);
  await Promise.all(nameless.map((key) => contents.remove(key)));
  const definitions = store.table<DefinitionRecord>('cache-definitions');
  const leadsNowhere = ({ identity }: DefinitionRecord): boolean => records.get(identity) === undefined;
  const lost = [...definitions.entries()].filter(({ value }) => leadsNowhere(value)).map(({ key }) => key);
  await Promise.all(lost.map((key) => definitions.update(key, (now) => (now && leadsNowhere(now) ? undefined : now))));
  const chains = store.table<string>('chains');
  const isGone = (snapshot: string): boolean => snapshotter.stat(snapshot) === undefined;
  const stale = [...chains.entries()].filter(({ value }) => isGone(value)).map(({ key }) => key);
  await Promise.all(
    stale.map((key) => chains.update(key, (now) => (now === undefined || isGone(now) ? undefined : now))),
  );
  return dead.length;
}
