import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FileLock, NativeApi } from '../native/types.ts';

/**
 * Who owns a half-made thing. Each process that writes holds a lock file for as long as it lives; the kernel lets go of it
 * however the process ends, so "is the owner alive?" is a question that cannot be answered wrongly.
 */
export interface Owner {
  /** This process's name in records. */
  readonly id: string;
  /** Whether the process of that name still runs. */
  isAlive(id: string): Promise<boolean>;
  release(): void;
}

const PREFIX = 'owner-';

export async function createOwner(locks: string, native: Pick<NativeApi, 'lockFile'>): Promise<Owner> {
  mkdirSync(locks, { recursive: true });
  const id = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const own = join(locks, PREFIX + id);
  const lock = await native.lockFile({ path: own, exclusive: true, wait: true });

  const isAlive = async (other: string): Promise<boolean> => {
    if (other === id) return true;
    // Names come from records: nothing that is not of our own making becomes a path.
    if (!/^\d+-[0-9a-f]{12}$/.test(other)) return false;
    const probe: FileLock | undefined = await native.lockFile({
      path: join(locks, PREFIX + other),
      exclusive: true,
      wait: false,
    });
    if (probe === undefined) return true;
    rmSync(join(locks, PREFIX + other), { force: true });
    probe.release();
    return false;
  };

  return {
    id,
    isAlive,
    release() {
      rmSync(own, { force: true });
      lock?.release();
    },
  };
}

/** Removes the lock files of processes that are gone. */
export async function sweepOwners(locks: string, owner: Owner): Promise<void> {
  for (const name of readdirSync(locks)) if (name.startsWith(PREFIX)) await owner.isAlive(name.slice(PREFIX.length));
}
