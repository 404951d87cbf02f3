import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { FileLock, NativeApi } from '../native/types.ts';

/**
 * Who owns a half-made thing. Each process that writes holds a lock file for as long as it lives; the kernel lets go of it
 * however the process ends, so "is the owner alive?" is a question that cannot be answered wrongly.
 */
export interface Owner {
  /** This process's name in records. */
  readonly id: string;
  /** Its lock file. */
  readonly path: string;
  /**
   * Whether the process of that name still runs. Who asks holds its lock for that moment, and another process that asks just then is told
   * that it lives; within a process everybody shares one look.
   */
  isAlive(id: string): Promise<boolean>;
  /** The names of all others that have a lock file, alive or not. */
  others(): readonly string[];
  pathOf(id: string): string;
  release(): void;
}

const PREFIX = 'owner-';

export async function createOwner(locks: string, native: Pick<NativeApi, 'lockFile'>): Promise<Owner> {
  mkdirSync(locks, { recursive: true });
  const id = `${process.pid}-${randomBytes(6).toString('hex')}`;
  const pathOf = (other: string): string => join(locks, PREFIX + other);
  const own = pathOf(id);
  const lock = await native.lockFile({ path: own, exclusive: true, wait: true });
  /** Who is dead stays dead: names are not used twice. */
  const dead = new Set<string>();
  const looks = new Map<string, Promise<boolean>>();

  const look = async (other: string): Promise<boolean> => {
    const path = pathOf(other);
    // An owner has its lock file before anything bears its name; what is no file is nobody's.
    if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return false;
    const probe: FileLock | undefined = await native.lockFile({ path, exclusive: true, wait: false });
    if (probe === undefined) return true;
    rmSync(path, { force: true });
    probe.release();
    return false;
  };

  return {
    id,
    path: own,
    pathOf,
    async isAlive(other) {
      if (other === id) return true;
      // Names come from records: nothing that is not of our own making becomes a path.
      if (dead.has(other) || !/^\d+-[0-9a-f]{12}$/.test(other)) return false;
      let answer = looks.get(other);
      if (answer === undefined) {
        answer = look(other).finally(() => looks.delete(other));
        looks.set(other, answer);
      }
      const alive = await answer;
      if (!alive) dead.add(other);
      return alive;
    },
    others: () =>
      readdirSync(locks, { withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.startsWith(PREFIX) && entry.name !== PREFIX + id)
        .map(({ name }) => name.slice(PREFIX.length)),
    release() {
      rmSync(own, { force: true });
      lock?.release();
    },
  };
}

/** Removes the lock files of processes that are gone. */
export async function sweepOwners(owner: Owner): Promise<void> {
  for (const id of owner.others()) await owner.isAlive(id);
}
