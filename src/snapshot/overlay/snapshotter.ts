import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../errors.ts';
import type { NativeApi } from '../../native/types.ts';
import type { Store } from '../../store/index.ts';
import { snapshotInUse, snapshotNotFound } from '../errors.ts';
import type { RemoveTrees, SnapshotInfo, Snapshotter } from '../snapshotter.ts';
import { createActive } from './active.ts';
import { linkSnapshot } from './link.ts';
import { openRecords, type SnapshotRecord, type SnapshotRecords, snapshotRoot, toInfo } from './records.ts';
import { settle, sweepAbandoned, sweepLost } from './sweep.ts';

/**
 * Snapshots as stacks of overlay directories: `snapshots/<name>/fs` holds what a snapshot changes of its parent, whiteouts
 * and opaque marks in overlay's own form. A directory's name follows from the snapshot's, so that two processes that
 * commit the same name cannot both succeed: the second rename finds the place taken.
 */
export function createOverlaySnapshotter(
  store: Store,
  native: Pick<NativeApi, 'removeTree' | 'syncFileSystem'>,
): Snapshotter {
  const records = openRecords(store);
  let count = 0;

  const directoriesOf = (name: string): string[] => {
    const lowers: string[] = [];
    for (const { name: each, changesOf, ownRoot } of chainDown(records, name)) {
      if (changesOf === undefined || ownRoot) lowers.push(records.directory(each));
      if (changesOf !== undefined) lowers.push(records.directory(changesOf));
    }
    return lowers;
  };
  // A layer that was linked twice is there twice, which the kernel refuses (ELOOP). Its topmost place hides all of the other.
  const lowersOf = (name: string): string[] => [...new Set(directoriesOf(name))];
  const newKey = async (kind: 'active' | 'removed'): Promise<string> => {
    const owner = await store.owner();
    return `${kind}-${owner.id}-${count++}`;
  };

  const stat = (name: string): SnapshotInfo | undefined => {
    const record = records.find(name);
    return record && toInfo(name, record);
  };

  return {
    async prepare(parent) {
      if (parent !== undefined) await store.hold([parent]);
      const lowers = parent === undefined ? [] : lowersOf(parent);
      return createActive({ store, records, native }, await newKey('active'), parent, lowers);
    },
    async link(parent, layer) {
      await store.hold([parent, layer]);
      return linkSnapshot({ store, records, native }, await newKey('active'), lowersOf(parent), parent, layer);
    },
    view: (name) => ({ lowers: lowersOf(name) }),
    stat,
    async claim(name) {
      await store.hold([name]);
      return stat(name);
    },
    changes(name) {
      const [upper = '', ...lowers] = lowersOf(records.table.get(name)?.changesOf ?? name);
      return { upper, moreUppers: [], lowers };
    },
    changesSince(name, base) {
      const below = base === undefined ? [] : directoriesOf(base);
      const all = directoriesOf(name);
      const [upper = '', ...moreUppers] = new Set(all.slice(0, all.length - below.length));
      return { upper, moreUppers, lowers: [...new Set(below)] };
    },
    async annotate(name, facts) {
      const owner = records.table.get(name)?.changesOf ?? name;
      await records.table.update(owner, (record) => record && { ...record, ...facts });
    },
    chain: (name) => Array.from(chainDown(records, name), (link) => link.name).reverse(),
    list() {
      const all: SnapshotInfo[] = [];
      for (const { key } of records.table.entries()) {
        const record = records.find(key);
        if (record !== undefined) all.push(toInfo(key, record));
      }
      return all;
    },
    async retire(names) {
      const going = new Set(names);
      for (const { key, value } of records.table.entries()) {
        if (going.has(key) || records.find(key) === undefined) continue;
        for (const below of [value.parent, value.changesOf])
          if (below && going.has(below)) throw snapshotInUse(below, key);
      }
      const graves: string[] = [];
      // The directories first: a record without one means nothing, one without a record would never be found again.
      for (const name of going) {
        const grave = join(store.paths.snapshots, await newKey('removed'));
        try {
          renameSync(snapshotRoot(store, name), grave);
          graves.push(grave);
        } catch (error) {
          if (errorCode(error) !== 'ENOENT') throw error;
        }
      }
      await Promise.all([...going].map((name) => records.table.remove(name))).catch((error: unknown) => {
        // There is no room to say that something goes: then it must go all the more.
        if (errorCode(error) !== 'STORE_FULL') throw error;
      });
      return removeAll(native, graves);
    },
    async sweep() {
      await sweepAbandoned(store, native);
      await sweepLost(store, records);
      await settle(store, records, native);
    },
  };
}

function removeAll(native: Pick<NativeApi, 'removeTree'>, graves: readonly string[]): RemoveTrees {
  const rest = [...graves];
  return async (signal) => {
    const removeOne = async (): Promise<void> => {
      for (let grave = rest.pop(); grave !== undefined; grave = rest.pop()) {
        signal?.throwIfAborted();
        await native.removeTree(grave);
      }
    };
    await Promise.all(Array.from({ length: REMOVALS_AT_ONCE }, removeOne));
  };
}

/** Trees that are deleted at the same time: the disk has more to do than one thread asks of it. */
const REMOVALS_AT_ONCE = 4;

/** From the snapshot down to the bottom one. Throws `SNAPSHOT_NOT_FOUND`. */
function* chainDown(records: SnapshotRecords, name: string): Generator<SnapshotRecord & { readonly name: string }> {
  for (let at: string | null = name; at !== null; ) {
    const record: SnapshotRecord | undefined = records.find(at);
    if (record === undefined) throw snapshotNotFound(at);
    yield { ...record, name: at };
    at = record.parent;
  }
}
