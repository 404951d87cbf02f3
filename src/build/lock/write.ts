import { chmodSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { unwritableLock } from '../remote/errors.ts';

/** Writes a lock file whole or not at all, with the mode that it had; one that has this text is not touched. Throws `FILE_UNWRITABLE`. */
export function writeLock(path: string, text: string): void {
  const partial = `${path}.${process.pid}.tmp`;
  try {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && readFileSync(path, 'utf8') === text) return;
    // One that was left by a process that was killed.
    rmSync(partial, { force: true });
    writeFileSync(partial, text, { flag: 'wx' });
    if (stat !== undefined) chmodSync(partial, stat.mode & 0o7777);
    renameSync(partial, path);
  } catch (error) {
    rmSync(partial, { force: true });
    throw unwritableLock(path, error);
  }
}
