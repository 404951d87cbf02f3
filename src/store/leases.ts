import { chmodSync, closeSync, constants, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '../errors.ts';
import type { FileLock, NativeApi } from '../native/types.ts';
import type { Owner } from './owner.ts';
import { pollLockFor } from './poll-lock.ts';

/**
 * What is in use, so that a collector of garbage may work beside any number of builds.
 *
 * **A user** of a snapshot or blob *holds* it before it relies on it: it appends the name to its own lock file,
 * `locks/owner-<id>`, then looks whether the thing is (still) there. If not, it is a cache miss, to be made or fetched again. Who makes
 * something holds it before it is there: before its record is written, its file renamed into place. A lease lasts until the store is
 * closed; it is void when its owner dies, since the kernel lets go of the lock. Nothing is flushed: leases need not outlive a machine.
 *
 * **A collector** takes the lock `gc` for itself alone, marks it as busy, reads the leases of all that live, *then* reads what
 * records say, decides, and makes what goes invisible: directories and blobs are renamed away, records removed. That is short. It
 * unmarks and lets go; what was renamed is deleted afterwards.
 *
 * A user pays one write and one stat: after its append it looks at the mark. Unmarked means that whoever begins to collect from now on
 * will read the lease. Marked means that a collector may have read the leases before: the user waits until it has ended, and only
 * then looks whether its thing is there. So a thing that was found after it was held stays.
 *
 * What could go wrong, and why it does not:
 * - *A record is written, and its writer ends, while a collector decides.* Leases are read before records: if the lease was gone, the
 *   record was there.
 * - *A child is committed on a parent that goes.* Who prepares a child holds the parent; leases count for all that a
 *   snapshot stands on, and for the lender of its changes. In use is what any lease reaches.
 * - *A blob is put that is there already, and goes.* It is held first, then looked for; gone means that it is written.
 * - *A collector is killed.* Renamed trees bear its name and are swept; records without files mean nothing, and the next collector
 *   drops them. The mark stays: the next user takes the lock, finds nobody, and unmarks.
 * - *A user is killed.* Its lease is void. What it was making is swept.
 * - *The disk is full, so that nothing can be appended.* The user takes the lock, shared, for the rest of its life: nothing is
 *   collected then. The mark is a mode bit of the lock file: it needs no space.
 * - *A collector dies or a prober looks, and the lock of a dead owner is seen as held.* Its leases count a moment longer.
 */
export interface Leases {
  /** Resolves when whoever looks from now on finds these until the store is closed, or not at all. Names of snapshots, digests of blobs. */
  hold(names: readonly string[]): Promise<void>;
  /**
   * Runs `work` while nothing new can be held; `undefined` when somebody keeps the lock too long. It must be short, and hold nothing itself.
   */
  collect<T>(work: (held: ReadonlySet<string>) => Promise<T>, options?: CollectOptions): Promise<T | undefined>;
  /** Who holds what, at this moment: owners' ids by name. For people to look at; a collection reads them anew. */
  holders(): Promise<ReadonlyMap<string, readonly string[]>>;
  release(): void;
}

export interface CollectOptions {
  /** What this open store itself holds is no obstacle. */
  readonly ignoresOwn?: boolean;
  readonly signal?: AbortSignal;
  /** How long another's lock is waited for; default two seconds. */
  readonly waitMs?: number;
}

const LOCK_NAME = 'gc.lock';
const IDLE_MODE = 0o600;
const BUSY_MODE = 0o700;

const SETTLED = Promise.resolve();

export function createLeases(
  locks: string,
  native: Pick<NativeApi, 'lockFile'>,
  getOwner: () => Promise<Owner>,
): Leases {
  const path = join(locks, LOCK_NAME);
  /** By name: when its lease counts. */
  const held = new Map<string, Promise<void>>();
  let file: number | undefined;
  let whole: FileLock | undefined;

  const append = async (names: readonly string[]): Promise<void> => {
    const owner = await getOwner();
    file ??= openSync(owner.path, constants.O_WRONLY | constants.O_APPEND);
    writeSync(file, names.map((name) => `${name}\n`).join(''));
  };
  const isBusy = (): boolean => ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o777) === BUSY_MODE;
  const take = async (names: readonly string[]): Promise<void> => {
    try {
      await append(names);
    } catch (error) {
      const code = errorCode(error);
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
      whole ??= await native.lockFile({ path, exclusive: false, wait: true });
      return;
    }
    if (!isBusy()) return;
    const lock = await native.lockFile({ path, exclusive: true, wait: true });
    // Whoever set it is gone, or it would have the lock.
    chmodSync(path, IDLE_MODE);
    lock?.release();
  };

  return {
    async hold(names) {
      const fresh = names.filter((name) => !held.has(name));
      if (fresh.length > 0) {
        const taking = take(fresh);
        for (const name of fresh) held.set(name, taking);
        try {
          await taking;
        } catch (error) {
          for (const name of fresh) held.delete(name);
          throw error;
        }
        for (const name of fresh) held.set(name, SETTLED);
      }
      // Another call of this process may still wait for a collector.
      for (const name of names) await held.get(name);
    },

    async collect(work, { ignoresOwn = false, signal, waitMs = 2000 } = {}) {
      const lock = await pollLockFor(waitMs, () => native.lockFile({ path, exclusive: true, wait: false }), signal);
      if (lock === undefined) return undefined;
      try {
        chmodSync(path, BUSY_MODE);
        const owner = await getOwner();
        const leased = new Set((await readLeases(owner)).keys());
        if (!ignoresOwn) for (const name of held.keys()) leased.add(name);
        return await work(leased);
      } finally {
        chmodSync(path, IDLE_MODE);
        lock.release();
      }
    },

    holders: async () => readLeases(await getOwner()),

    release() {
      if (file !== undefined) closeSync(file);
      file = undefined;
      whole?.release();
    },
  };
}

/** The leases of all other processes that live. */
async function readLeases(owner: Owner): Promise<Map<string, string[]>> {
  const leased = new Map<string, string[]>();
  for (const id of owner.others()) {
    if (!(await owner.isAlive(id))) continue;
    let text: string;
    try {
      text = readFileSync(owner.pathOf(id), 'utf8');
    } catch (error) {
      // It has ended since: what it made is recorded.
      if (errorCode(error) === 'ENOENT') continue;
      throw error;
    }
    const lines = text.split('\n');
    // Nothing, or half a line, whose writer has yet to look at the mark.
    lines.pop();
    for (const line of lines) leased.set(line, [...(leased.get(line) ?? []), id]);
  }
  return leased;
}
