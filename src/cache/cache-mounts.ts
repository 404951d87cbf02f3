import { createHash } from 'node:crypto';
import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FileLock, NativeApi } from '../native/types.ts';
import type { RootMount } from '../oci/index.ts';
import type { Store } from '../store/index.ts';

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
  readonly sharing: 'shared' | 'private' | 'locked';
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

/** How long a wait for a lock sleeps between two looks: from, to. */
const POLL_MS = [4, 100] as const;

/**
 * Lies in `cache-mounts/<name>/<n>/data`, where `<name>` is a hash of what makes a cache that cache and `<n>` counts the private
 * ones that were in use at once. Whoever uses a directory holds the lock of its name: shared, or alone for `locked` and `private`.
 */
export function createCacheMounts(
  store: Pick<Store, 'paths' | 'lock'>,
  native: Pick<NativeApi, 'removeTree'>,
): CacheMounts {
  return {
    async acquire(request) {
      const name = cacheName(request);
      const { index, lock } = await lockInstance(store, name, request);
      try {
        const directory = join(store.paths.cacheMounts, name, String(index));
        if (!existsSync(join(directory, 'data'))) await createInstance(store, native, name, directory, request);
        return { mount: { lowers: [], upper: join(directory, 'data') }, release: () => lock.release() };
      } catch (error) {
        lock.release();
        throw error;
      }
    },
  };
}

/** As in BuildKit a cache with another initial tree, owner or mode is another cache. */
function cacheName({ id, mode, uid, gid, seed }: CacheMountRequest): string {
  return createHash('sha256')
    .update(JSON.stringify([id, mode, uid, gid, seed?.name ?? null]))
    .digest('hex');
}

async function lockInstance(
  store: Pick<Store, 'lock'>,
  name: string,
  { sharing, signal }: CacheMountRequest,
): Promise<{ readonly index: number; readonly lock: FileLock }> {
  const exclusive = sharing !== 'shared';
  const tryLock = (index: number) => store.lock(`cache-mount-${name}-${index}`, { exclusive, wait: false });
  if (sharing !== 'private') return { index: 0, lock: await pollLock(() => tryLock(0), signal) };
  for (let index = 0; ; index++) {
    signal.throwIfAborted();
    const lock = await tryLock(index);
    if (lock !== undefined) return { index, lock };
  }
}

/** Waits without a thread of its own: any number of steps may wait at once, and an abort ends the wait. */
async function pollLock(tryLock: () => Promise<FileLock | undefined>, signal: AbortSignal): Promise<FileLock> {
  for (let delayMs: number = POLL_MS[0]; ; delayMs = Math.min(delayMs * 1.5, POLL_MS[1])) {
    signal.throwIfAborted();
    const lock = await tryLock();
    if (lock !== undefined) return lock;
    await sleep(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** Made beside and renamed: a directory that is there is whole. */
async function createInstance(
  store: Pick<Store, 'lock'>,
  native: Pick<NativeApi, 'removeTree'>,
  name: string,
  directory: string,
  { id, mode, uid, gid, seed, signal }: CacheMountRequest,
): Promise<void> {
  const lock = await pollLock(() => store.lock(`cache-mount-${name}-new`, { exclusive: true, wait: false }), signal);
  try {
    const data = join(directory, 'data');
    if (existsSync(data)) return;
    const fresh = join(directory, 'new');
    // Left by a process that was killed here.
    await native.removeTree(fresh);
    mkdirSync(fresh, { recursive: true });
    await seed?.fill({ lowers: [], upper: fresh });
    chownSync(fresh, uid, gid);
    chmodSync(fresh, mode);
    writeFileSync(join(directory, 'id'), id);
    renameSync(fresh, data);
  } finally {
    lock.release();
  }
}
