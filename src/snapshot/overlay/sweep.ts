import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { NativeApi } from '../../native/types.ts';
import type { Store } from '../../store/index.ts';
import { type SnapshotRecords, snapshotRoot } from './records.ts';

/** The directory of an active or half-removed snapshot says whose it is: `active-<owner>-<n>`, `removed-<owner>-<n>`. */
const OWNED = /^(?:active|removed)-(\d+-[0-9a-f]{12})-\d+$/;

/** The kernel writes dirty pages back within half a minute; after this, a syncfs has little left to do. */
const SETTLE_AFTER_MS = 120_000;

/** Removes what processes that are gone left half made. */
export async function sweepAbandoned(store: Store, native: Pick<NativeApi, 'removeTree'>): Promise<void> {
  const abandoned: string[] = [];
  const owner = await store.owner();
  for (const name of readdirSync(store.paths.snapshots)) {
    const id = OWNED.exec(name)?.[1];
    if (id !== undefined && !(await owner.isAlive(id))) abandoned.push(name);
  }
  await Promise.all(abandoned.map((name) => native.removeTree(join(store.paths.snapshots, name))));
}

/**
 * Removes the records of snapshots that have no directory: of processes that were killed between the two, while they made or removed one.
 * Who makes one holds its name before its record is there, so those of the living are left alone.
 */
export async function sweepLost(store: Store, records: SnapshotRecords): Promise<void> {
  const present = new Set(readdirSync(store.paths.snapshots));
  const isAbsent = (name: string): boolean => !existsSync(snapshotRoot(store, name));
  const lost = Array.from(records.table.entries()).filter(
    ({ key }) => !present.has(basename(snapshotRoot(store, key))) && isAbsent(key),
  );
  if (lost.length === 0) return;
  const held = await store.holders();
  await Promise.all(
    lost
      .filter(({ key }) => !held.has(key))
      .map(({ key, value }) =>
        // One of that name may have been made since.
        records.table.update(key, (now) => (now?.createdMs === value.createdMs && isAbsent(key) ? undefined : now)),
      ),
  );
}

/**
 * Marks snapshots as being on disk. Waiting for the disk at each commit would make every step pay for what only a crash of the
 * machine needs; so records stay unsettled for a while, and one syncfs settles all of them.
 */
export async function settle(
  store: Store,
  records: SnapshotRecords,
  native: Pick<NativeApi, 'syncFileSystem'>,
): Promise<void> {
  const boot = records.boot();
  const before = Date.now() - SETTLE_AFTER_MS;
  const due: string[] = [];
  for (const { key, value } of records.table.entries())
    if (value.unsettledBoot === boot && value.createdMs < before) due.push(key);
  if (due.length === 0) return;
  await native.syncFileSystem(store.paths.snapshots);
  await Promise.all(
    due.map((name) =>
      records.table.update(name, (record) => {
        if (record === undefined) return undefined;
        const { unsettledBoot: _, ...settled } = record;
        return settled;
      }),
    ),
  );
}
