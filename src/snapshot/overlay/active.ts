import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../../errors.ts';
import type { NativeApi } from '../../native/types.ts';
import type { RootMount } from '../../oci/index.ts';
import type { Store } from '../../store/index.ts';
import type { ActiveSnapshot, SnapshotInfo } from '../snapshotter.ts';
import { type SnapshotRecord, type SnapshotRecords, snapshotRoot, toInfo } from './records.ts';

/** What the making of snapshots works with. */
export interface SnapshotDirectories {
  readonly store: Pick<Store, 'paths' | 'hold' | 'lock' | 'owner' | 'noteMade'>;
  readonly records: SnapshotRecords;
  readonly native: Pick<NativeApi, 'removeTree'>;
}

/** An active snapshot in the directory `key`, on the trees `lowers` of `parent`. */
export function createActive(
  directories: SnapshotDirectories,
  key: string,
  parent: string | undefined,
  lowers: readonly string[],
): ActiveSnapshot {
  const { store, records, native } = directories;
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
      if (late !== undefined && !late.keepsRoot) inheritRoot(upper, records.topDirectory(late.parent));
      if (late !== undefined) await store.hold([late.parent]);
      return commitDirectory(directories, root, name, { parent: late?.parent ?? parent ?? null });
    },
    remove: () => native.removeTree(root),
  };
}

/** Gives a directory its name and its record; where the name is taken, what has it wins and the directory is removed. */
export async function commitDirectory(
  { store, records, native }: SnapshotDirectories,
  root: string,
  name: string,
  facts: Pick<SnapshotRecord, 'parent' | 'changesOf' | 'ownRoot'>,
): Promise<SnapshotInfo> {
  writeLinks(root, facts);
  // Before anything of that name can be seen, and before it is known whether somebody else has made it.
  await store.hold([name]);
  const place = snapshotRoot(store, name);
  if (existsSync(place) && records.find(name) === undefined) await clearPlace({ store, records, native }, name);
  const record: SnapshotRecord = { ...facts, createdMs: Date.now(), unsettledBoot: records.boot() };
  // The record first: one without a directory means nothing, a directory without a record would never be found again.
  const kept = await records.table.update(name, (current) =>
    current !== undefined && records.find(name) !== undefined ? current : record,
  );
  try {
    renameSync(root, place);
    store.noteMade(place);
  } catch (error) {
    const code = errorCode(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    await native.removeTree(root);
  }
  return toInfo(name, records.find(name) ?? kept ?? record);
}

/** Beside its files lies what a snapshot stands on, as links that lead nowhere: by them `fsck` finds it when the tables are lost. */
export const LINK_NAMES = { parent: 'parent', changesOf: 'changes-of' } as const;

function writeLinks(root: string, { parent, changesOf }: Pick<SnapshotRecord, 'parent' | 'changesOf'>): void {
  if (parent !== null) symlinkSync(parent, join(root, LINK_NAMES.parent));
  if (changesOf !== undefined) symlinkSync(changesOf, join(root, LINK_NAMES.changesOf));
}

/**
 * Takes away what lies in a snapshot's place and is not trusted: written before a crash of the machine, or without a record. One process
 * at a time, so that nobody takes away what another has just put there.
 */
export async function clearPlace({ store, records, native }: SnapshotDirectories, name: string): Promise<boolean> {
  const lock = await store.lock('snapshot-places', { exclusive: true, wait: true });
  try {
    if (records.find(name) !== undefined) return false;
    const { id } = await store.owner();
    const grave = join(store.paths.snapshots, `removed-${id}-${randomBytes(4).readUInt32LE()}`);
    renameSync(snapshotRoot(store, name), grave);
    await native.removeTree(grave);
    return true;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false;
    throw error;
  } finally {
    lock?.release();
  }
}

/**
 * A mounted overlay's root directory has the owner and mode of its topmost layer's: a new one starts with those of the tree below
 * it. An image's first root is readable by all, whatever the umask was here.
 */
export function inheritRoot(upper: string, below: string | undefined): void {
  if (below === undefined) {
    chmodSync(upper, 0o755);
    return;
  }
  const { mode, uid, gid } = statSync(below);
  // The owner first: changing it clears set-id bits.
  chownSync(upper, uid, gid);
  chmodSync(upper, mode & 0o7777);
}
