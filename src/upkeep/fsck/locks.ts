import { lstatSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { UpkeepContext } from '../types.ts';
import type { Finding } from './types.ts';

/** What every repair takes: `Store.collect`'s, and that of whoever removes. */
const NEEDED = ['gc.lock', 'upkeep.lock'];

/**
 * Takes away what is no file in the place of a lock without which nothing else can be mended. Nobody holds it, since nobody can open it.
 *
 * @param quarantine takes a path out of the store
 */
export function clearNeededLocks(
  { store }: Pick<UpkeepContext, 'store'>,
  quarantine: (path: string) => void,
): readonly Finding[] {
  const { root, locks } = store.paths;
  return NEEDED.map((name) => join(locks, name))
    .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isFile() === false)
    .map((path) => {
      quarantine(path);
      return { ...describeLock(relative(root, path)), repaired: true };
    });
}

/** Each command that needs the lock fails. */
export function describeLock(subject: string): Omit<Finding, 'repaired'> {
  return {
    code: 'stray-file',
    severity: 'error',
    subject,
    message: 'a lock is a file, and this is none',
    repair: 'moved to quarantine',
  };
}
