import { chmodSync, chownSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import type { FileLock, NativeApi } from '../native/types.ts';
import type { RootMount } from '../oci/index.ts';
import { pollLock, type Store } from '../store/index.ts';
import {
  instanceDirectory,
  makeInstance,
  mountName,
  readFacts,
  type Sharing,
  touchInstance,
  writeFacts,
} from './mounts/facts.ts';
import { lockMaking, tryInstance } from './mounts/locks.ts';

/** The directories behind RUN --mount=type=cache, shared by all builds and processes that use the store. */
export interface CacheMounts {
  /**
   * Takes the directory of a cache, making and filling it at its first use. `locked` waits until nobody else has it, `private`
   * takes another one when it is in use. A process that dies holds nothing.
   */
  acquire(request: CacheMountRequest): Promise<CacheMountLease>;
}

export interface CacheMountRequest {
  readonly id: string;
  readonly sharing: Sharing;
  /** Of a new directory: permission bits and owner. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** What a new directory is filled with. `name` says which tree that is: another tree is another cache. */
  readonly seed?: CacheSeed;
  readonly signal: AbortSignal;
}

export interface CacheSeed {
  readonly name: string;
  readonly fill: (target: RootMount) => Promise<void>;
}

export interface CacheMountLease {
  /** A plain writable directory. */
  readonly mount: RootMount;
  release(): void;
}

export interface CacheMountOptions {
  /** Called before a cache is taken, each time: it may bring the cache from elsewhere. `name` is what `mountName` gives. */
  readonly beforeUse?: (name: string, request: CacheMountRequest) => Promise<void>;
}

/** Where they lie, and who may use them: mounts/facts.ts, mounts/locks.ts. */
export function createCacheMounts(
  store: Pick<Store, 'paths' | 'lock' | 'owner'>,
  native: Pick<NativeApi, 'removeTree'>,
  options: CacheMountOptions = {},
): CacheMounts {
  return {
    async acquire(request) {
      const { id, mode, uid, gid, seed } = request;
      const name = mountName({ id, mode, uid, gid, ...(seed === undefined ? {} : { seed: seed.name }) });
      await options.beforeUse?.(name, request);
      const { index, lock } = await lockInstance(store, name, request);
      try {
        const directory = instanceDirectory(store, name, index);
        const data = join(directory, 'data');
        if (!existsSync(data) || readFacts(store, name) === undefined)
          await createInstance(store, native, name, index, request);
        touchInstance(directory, request.sharing);
        const release = (): void => {
          touchInstance(directory);
          lock.release();
        };
        return { mount: { lowers: [], upper: data }, release };
      } catch (error) {
        lock.release();
        throw error;
      }
    },
  };
}

async function lockInstance(
  store: Pick<Store, 'lock'>,
  name: string,
  { sharing, signal }: CacheMountRequest,
): Promise<{ readonly index: number; readonly lock: FileLock }> {
  const exclusive = sharing !== 'shared';
  if (sharing !== 'private')
    return { index: 0, lock: await pollLock(() => tryInstance(store, name, 0, exclusive), signal) };
  for (let index = 0; ; index++) {
    signal.throwIfAborted();
    const lock = await tryInstance(store, name, index, exclusive);
    if (lock !== undefined) return { index, lock };
  }
}

/** Made beside and renamed: a directory that is there is whole. */
async function createInstance(
  store: Pick<Store, 'lock' | 'paths' | 'owner'>,
  native: Pick<NativeApi, 'removeTree'>,
  name: string,
  index: number,
  { id, mode, uid, gid, seed, signal }: CacheMountRequest,
): Promise<void> {
  const lock = await lockMaking(store, name, signal);
  try {
    const directory = makeInstance(store, name, index);
    if (readFacts(store, name) === undefined)
      await writeFacts(store, name, directory, {
        id,
        mode,
        uid,
        gid,
        ...(seed === undefined ? {} : { seed: seed.name }),
        createdMs: Date.now(),
      });
    const data = join(directory, 'data');
    if (existsSync(data)) return;
    const fresh = join(directory, 'new');
    // Left by a process that was killed here.
    await native.removeTree(fresh);
    mkdirSync(fresh);
    await seed?.fill({ lowers: [], upper: fresh });
    chownSync(fresh, uid, gid);
    chmodSync(fresh, mode);
    renameSync(fresh, data);
  } finally {
    lock.release();
  }
}
