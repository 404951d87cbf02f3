import type { OpResult, SnapshotResult } from '../llb/results.ts';
import type { Digest } from '../oci/index.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import type { CacheStorage, DefinitionRecord } from '../solver/types.ts';
import type { Store } from '../store/index.ts';
import { notStorable } from './errors.ts';

/** A record of the table `cache-records`, by identity. */
export interface CacheRecord {
  /** One for each output; `null` is the empty tree. */
  readonly snapshots: readonly (string | null)[];
  /** The step's name as it may be kept, for people who look into the cache. */
  readonly name: string;
  readonly createdMs: number;
  /** To about an hour. */
  readonly lastUsedMs: number;
}

/** The build cache of a store. */
export interface BuildCache extends CacheStorage<OpResult> {
  /** Writes down, in one go, which records were used, which content digests were learnt, and what definitions led to. Call at the end of a build. */
  flush(): Promise<void>;
}

/** A rebuild within this time writes nothing at all. */
const LAST_USED_GRAIN_MS = 3_600_000;

export interface CacheStorageOptions {
  /** A step's name without the secrets that a build argument may have put there. Absent: names are kept as they are. */
  readonly maskName?: (name: string) => string;
}

export function createCacheStorage(
  store: Pick<Store, 'table'>,
  snapshotter: Pick<Snapshotter, 'claim'>,
  { maskName = (name) => name }: CacheStorageOptions = {},
): BuildCache {
  const records = store.table<CacheRecord>('cache-records');
  // Keys are `<snapshot> <selector>`: the content of a committed snapshot never changes.
  const contents = store.table<Digest>('content-digests');
  const definitions = store.table<DefinitionRecord>('cache-definitions');
  const led = new Map<Digest, DefinitionRecord>();
  const used = new Set<Digest>();
  const learnt = new Map<string, Digest>();

  const touch = (identity: Digest): void => {
    used.add(identity);
  };

  return {
    async load(identity) {
      const record = records.get(identity);
      if (record === undefined) return undefined;
      const results = record.snapshots.map((name): SnapshotResult => ({ kind: 'snapshot', name: name ?? undefined }));
      for (const { name } of results)
        if (name !== undefined && (await snapshotter.claim(name)) === undefined) return undefined;
      touch(identity);
      return results;
    },

    async save(identity, results, { name }) {
      // What is not here is found again where it is: nothing of it would be kept.
      if (results.some(({ kind }) => kind === 'layers' || kind === 'merged')) return;
      const snapshots = results.map((result) => {
        if (result.kind !== 'snapshot') throw notStorable(name);
        return result.name ?? null;
      });
      const now = Date.now();
      await records.put(identity, { snapshots, name: maskName(name), createdMs: now, lastUsedMs: now });
    },

    contentDigest(identity, index, selector) {
      const snapshot = records.get(identity)?.snapshots[index];
      if (snapshot === undefined) return undefined;
      const key = contentKey(snapshot, selector);
      return learnt.get(key) ?? contents.get(key);
    },

    saveContentDigest(result, selector, content) {
      if (result.kind === 'snapshot') learnt.set(contentKey(result.name ?? null, selector), content);
    },

    touch,

    nameOf: (result) => (result.kind === 'snapshot' ? nameSnapshot(result.name ?? null) : undefined),
    storedName(identity, index) {
      const snapshot = records.get(identity)?.snapshots[index];
      return snapshot === undefined ? undefined : nameSnapshot(snapshot);
    },

    saveDefinition(definition, record) {
      led.set(definition, record);
    },
    definition: (definition) => led.get(definition) ?? definitions.get(definition),

    async flush() {
      const now = Date.now();
      const stale = [...used].filter((identity) => {
        const record = records.get(identity);
        return record !== undefined && now - record.lastUsedMs > LAST_USED_GRAIN_MS;
      });
      // All puts of one turn are one transaction.
      const writes: Promise<unknown>[] = [...learnt].map(([key, content]) => contents.put(key, content));
      for (const [definition, record] of led)
        if (!isSame(definitions.get(definition), record)) writes.push(definitions.put(definition, record));
      for (const identity of stale) {
        writes.push(records.update(identity, (record) => record && { ...record, lastUsedMs: now }));
      }
      used.clear();
      learnt.clear();
      led.clear();
      await Promise.all(writes);
    },
  };
}

/** As they are stored; one whose members come in another order is written once more. */
function isSame(stored: DefinitionRecord | undefined, record: DefinitionRecord): boolean {
  return stored?.identity === record.identity && JSON.stringify(stored.inputs) === JSON.stringify(record.inputs);
}

function contentKey(snapshot: string | null, selector: Digest): string {
  return `${nameSnapshot(snapshot)} ${selector}`;
}

/** `-` is the empty tree: no snapshot has that name. */
function nameSnapshot(snapshot: string | null): string {
  return snapshot ?? '-';
}
