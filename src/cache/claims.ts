import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FileLock } from '../native/types.ts';
import { type Digest, digestEncoded } from '../oci/index.ts';
import type { Claim, Claims } from '../solver/types.ts';
import { pollLock, type Store } from '../store/index.ts';

type Locks = Pick<Store, 'lock'> & { readonly paths: Pick<Store['paths'], 'locks'> };

/** `locks/claim-<hex>.lock`. */
const FILE = /^(claim-[0-9a-f]+)\.lock$/;

/**
 * Who executes an identity holds the lock of a file of that name: however a process ends, the kernel lets go of it. The file goes before
 * the lock does; `Store.lock` looks whether what it got is still the file of that name.
 */
export function createClaims(store: Locks): Claims {
  const tryLock = (identity: Digest): Promise<FileLock | undefined> =>
    store.lock(`claim-${digestEncoded(identity)}`, { exclusive: true, wait: false });
  const toClaim = (identity: Digest, lock: FileLock): Claim => ({
    release() {
      rmSync(join(store.paths.locks, `claim-${digestEncoded(identity)}.lock`), { force: true });
      lock.release();
    },
  });
  return {
    async tryTake(identity) {
      const lock = await tryLock(identity);
      return lock && toClaim(identity, lock);
    },
    async take(identity, signal, onWait) {
      return toClaim(identity, await pollLock(() => tryLock(identity), signal, onWait));
    },
  };
}

/** Removes the files of those who were killed. */
export async function sweepClaims(store: Locks): Promise<void> {
  for (const entry of readdirSync(store.paths.locks, { withFileTypes: true })) {
    const file = entry.name;
    const name = FILE.exec(file)?.[1];
    // What is no file is nobody's.
    if (name === undefined || !entry.isFile()) continue;
    const lock = await store.lock(name, { exclusive: true, wait: false });
    if (lock === undefined) continue;
    rmSync(join(store.paths.locks, file), { force: true });
    lock.release();
  }
}
