import { existsSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { FileLock, NativeApi } from '../../native/types.ts';
import type { Store } from '../../store/index.ts';
import { instanceDirectory, leftoverPath, listInstances, listLeftovers, listNames, mountDirectory } from './facts.ts';
import { lockMaking, tryInstance } from './locks.ts';

type MountStore = Pick<Store, 'paths' | 'lock' | 'owner'>;

/**
 * Removes a cache mount with all its directories; false, and nothing is done, while anybody uses one. What a killed removal leaves
 * is no mount any more, and swept.
 */
export async function removeCacheMount(
  store: MountStore,
  native: Pick<NativeApi, 'removeTree'>,
  name: string,
  signal: AbortSignal = new AbortController().signal,
): Promise<boolean> {
  const locks: FileLock[] = [];
  try {
    const indexes = listInstances(store, name);
    for (const index of indexes) {
      const lock = await tryInstance(store, name, index, true);
      if (lock === undefined) return false;
      locks.push(lock);
    }
    const making = await lockMaking(store, name, signal);
    try {
      for (const index of indexes) await removeInstance(store, native, instanceDirectory(store, name, index));
      if (listInstances(store, name).length === 0) {
        rmSync(join(mountDirectory(store, name), 'mount.json'), { force: true });
        removeIfEmpty(mountDirectory(store, name));
      }
    } finally {
      making.release();
    }
    return true;
  } finally {
    for (const lock of locks) lock.release();
  }
}

async function removeInstance(
  store: MountStore,
  native: Pick<NativeApi, 'removeTree'>,
  directory: string,
): Promise<void> {
  const data = join(directory, 'data');
  const removed = await leftoverPath(store, directory);
  // Under another name first: no step finds a half of it.
  if (existsSync(data)) renameSync(data, removed);
  for (const path of [removed, 'new', 'used', 'parts.json']) await native.removeTree(resolve(directory, path));
  removeIfEmpty(directory);
}

/** Somebody may be importing into it. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory);
  } catch {
    // Then it stays.
  }
}

/** Removes what imports and removals of killed processes left. */
export async function sweepCacheMounts(store: MountStore, native: Pick<NativeApi, 'removeTree'>): Promise<void> {
  for (const name of listNames(store))
    for (const index of listInstances(store, name))
      for (const { path, owner } of listLeftovers(instanceDirectory(store, name, index)))
        if (!(await (await store.owner()).isAlive(owner))) await native.removeTree(path);
}
