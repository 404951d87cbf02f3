import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../errors.ts';
import type { NativeApi } from '../../native/types.ts';
import type { RootMount } from '../../oci/index.ts';
import type { Store } from '../../store/index.ts';
import { snapshotInUse, snapshotNotFound } from '../errors.ts';
import type { ActiveSnapshot, SnapshotInfo, Snapshotter } from '../snapshotter.ts';
import { openRecords, type SnapshotRecord, type SnapshotRecords, snapshotRoot, toInfo } from './records.ts';
import { settle, sweepAbandoned } from './sweep.ts';

type Native = Pick<NativeApi, 'removeTree' | 'syncFileSystem'>;

/**
 * Snapshots as stacks of overlay directories: `snapshots/<name>/fs` holds what a snapshot changes of its parent, whiteouts
 * and opaque marks in overlay's own form. A directory's name follows from the snapshot's, so that two processes that
 * commit the same name cannot both succeed: the second rename finds the place taken.
 */
export function createOverlaySnapshotter(store: Store, native: Native): Snapshotter {
  const records = openRecords(store);
  let count = 0;

  const lowersOf = (name: string): string[] => {
    const lowers: string[] = [];
    for (const each of chainDown(records, name)) lowers.push(records.directory(each));
    return lowers;
  };

  return {
    async prepare(parent) {
      const owner = await store.owner();
      const key = `active-${owner.id}-${count++}`;
      const lowers = parent === undefined ? [] : lowersOf(parent);
      return createActive(store, records, native, key, parent, lowers);
    },
    view: (name) => ({ lowers: lowersOf(name) }),
    stat(name) {
      const record = records.find(name);
      return record && toInfo(name, record);
    },
    async annotate(name, facts) {
      await records.table.update(name, (record) => record && { ...record, ...facts });
    },
    chain: (name) => [...chainDown(records, name)].reverse(),
    list() {
      const all: SnapshotInfo[] = [];
      for (const { key, value } of records.table.entries())
        if (records.find(key) !== undefined) all.push(toInfo(key, value));
      return all;
    },
    async remove(name) {
      const owner = await store.owner();
      // Inside one transaction, so that nobody commits a child between the look and the removal.
      await records.table.update(name, () => {
        for (const { key, value } of records.table.entries())
          if (value.parent === name && existsSync(records.directory(key))) throw snapshotInUse(name, key);
        return undefined;
      });
      const grave = join(store.paths.snapshots, `removed-${owner.id}-${count++}`);
      try {
        renameSync(snapshotRoot(store, name), grave);
      } catch (error) {
        if (errorCode(error) === 'ENOENT') return;
        throw error;
      }
      await native.removeTree(grave);
    },
    async sweep() {
      await sweepAbandoned(store, native);
      await settle(store, records, native);
    },
  };
}

/** From the snapshot down to the bottom one. Throws `SNAPSHOT_NOT_FOUND`. */
function* chainDown(records: SnapshotRecords, name: string): Generator<string> {
  for (let at: string | null = name; at !== null; ) {
    const record: SnapshotRecord | undefined = records.find(at);
    if (record === undefined) throw snapshotNotFound(at);
    yield at;
    at = record.parent;
  }
}

function createActive(
  store: Store,
  records: SnapshotRecords,
  native: Native,
  key: string,
  parent: string | undefined,
  lowers: readonly string[],
): ActiveSnapshot {
  const root = join(store.paths.snapshots, key);
  const upper = join(root, 'fs');
  const work = join(root, 'work');
  mkdirSync(upper, { recursive: true });
  inheritRoot(upper, lowers[0]);
  mkdirSync(work);
  const mount: RootMount = lowers.length === 0 ? { lowers, upper } : { lowers, upper, work };

  return {
    key,
    mount,
    async commit(name = randomBytes(16).toString('hex'), late) {
      await native.removeTree(work);
      if (late !== undefined && !late.keepsRoot) inheritRoot(upper, records.directory(late.parent));
      const record: SnapshotRecord = {
        parent: late?.parent ?? parent ?? null,
        createdMs: Date.now(),
        unsettledBoot: records.boot(),
      };
      // The record first: one without a directory means nothing, a directory without a record would never be found again.
      const kept = await records.table.update(name, (current) =>
        current !== undefined && records.find(name) !== undefined ? current : record,
      );
      try {
        renameSync(root, snapshotRoot(store, name));
      } catch (error) {
        const code = errorCode(error);
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
        await native.removeTree(root);
      }
      return toInfo(name, kept ?? record);
    },
    remove: () => native.removeTree(root),
  };
}

/**
 * A mounted overlay's root directory has the owner and mode of its topmost layer's: a new one starts with those of the tree below
 * it. An image's first root is readable by all, whatever the umask was here.
 */
function inheritRoot(upper: string, below: string | undefined): void {
  if (below === undefined) {
    chmodSync(upper, 0o755);
    return;
  }
  const { mode, uid, gid } = statSync(below);
  // The owner first: changing it clears set-id bits.
  chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
}
