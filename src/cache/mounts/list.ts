import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeApi } from '../../native/types.ts';
import type { Store } from '../../store/index.ts';
import {
  displayId,
  instanceDirectory,
  listInstances,
  listNames,
  mountDirectory,
  readFacts,
  readUse,
  type Sharing,
} from './facts.ts';
import { tryInstance } from './locks.ts';

/** A cache mount of the store. */
export interface CacheMountInfo {
  /** Hash of what makes it distinct: id, mode, owner, seed. Names the mount where its id alone does not. */
  readonly name: string;
  /** As `RUN --mount=type=cache,id=…` has it, or the target; `<namespace>/…` with BUILDKIT_CACHE_MOUNT_NS. */
  readonly id: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Which tree it was first filled with (`from=`). */
  readonly seed?: string;
  readonly createdMs: number | undefined;
  /** `undefined`: never. */
  readonly lastUsedMs: number | undefined;
  /** How it was last shared. */
  readonly sharing: Sharing | undefined;
  /** A step has it now, or somebody exports it. */
  readonly inUse: boolean;
  /** Directories: more than one where `sharing=private` steps ran at the same time. */
  readonly instances: number;
  /** On disk, all directories together. */
  readonly bytes: number;
  /** And directories. */
  readonly files: number;
}

type MountStore = Pick<Store, 'paths' | 'lock'>;

/** Every cache mount of the store, last used first. Each tree is walked once, for its size, unless `measured` is false. */
export async function listCacheMounts(
  store: MountStore,
  native: Pick<NativeApi, 'measureTree'>,
  { measured = true }: { readonly measured?: boolean } = {},
): Promise<readonly CacheMountInfo[]> {
  const found = await Promise.all(listNames(store).map((name) => describe(store, native, name, measured)));
  return found
    .filter((info) => info !== undefined)
    .sort((a, b) => (b.lastUsedMs ?? 0) - (a.lastUsedMs ?? 0) || (a.name < b.name ? -1 : 1));
}

/** Id and name of every mount, without looking into any. */
export function listMountIds(store: Pick<Store, 'paths'>): readonly { readonly id: string; readonly name: string }[] {
  return listNames(store).map((name) => ({ name, id: displayId(readFacts(store, name)?.id ?? name) }));
}

async function describe(
  store: MountStore,
  native: Pick<NativeApi, 'measureTree'>,
  name: string,
  measured: boolean,
): Promise<CacheMountInfo | undefined> {
  const directories = listInstances(store, name)
    .map((index) => ({ index, path: instanceDirectory(store, name, index) }))
    .filter(({ path }) => existsSync(join(path, 'data')));
  if (directories.length === 0) return undefined;
  const data = directories.map(({ path }) => join(path, 'data'));
  const { bytes, files } = measured ? await measure(native, mountDirectory(store, name), data) : NOT_MEASURED;
  const uses = directories.map(({ path }) => readUse(path)).filter((use) => use !== undefined);
  const last = uses.sort((a, b) => b.lastUsedMs - a.lastUsedMs)[0];
  const facts = readFacts(store, name);
  return {
    name,
    id: displayId(facts?.id ?? name),
    mode: facts?.mode ?? 0o755,
    uid: facts?.uid ?? 0,
    gid: facts?.gid ?? 0,
    ...(facts?.seed === undefined ? {} : { seed: facts.seed }),
    createdMs: facts?.createdMs,
    lastUsedMs: last?.lastUsedMs,
    sharing: last?.sharing,
    inUse: await isInUse(
      store,
      name,
      directories.map(({ index }) => index),
    ),
    instances: directories.length,
    bytes,
    files,
  };
}

const NOT_MEASURED = { bytes: 0, files: 0 };

/** Bytes with all that lies beside the data: the facts, and what a killed process left. Of that, the files are not counted. */
async function measure(
  native: Pick<NativeApi, 'measureTree'>,
  directory: string,
  data: readonly string[],
): Promise<{ readonly bytes: number; readonly files: number }> {
  try {
    const [all, ...inside] = await Promise.all([directory, ...data].map((path) => native.measureTree(path)));
    return { bytes: all?.bytes ?? 0, files: inside.reduce((sum, { files }) => sum + files, 0) };
  } catch {
    // Removed meanwhile.
    return NOT_MEASURED;
  }
}

async function isInUse(store: Pick<Store, 'lock'>, name: string, indexes: readonly number[]): Promise<boolean> {
  try {
    for (const index of indexes) {
      const lock = await tryInstance(store, name, index, true);
      if (lock === undefined) return true;
      lock.release();
    }
  } catch {
    // A store that this user may only read: who uses it cannot be told.
  }
  return false;
}
