import { closeSync, constants, fstatSync, openSync } from 'node:fs';
import { errorCode } from '../errors.ts';
import { logGone, logUnreadable } from './errors.ts';

/** The log of a build, open for reading; who has it closes it. */
export interface OpenedLog {
  readonly fd: number;
  /** In bytes, when it was opened. */
  readonly size: number;
}

/** Neither a pipe nor a device in its place makes anybody wait, and no link leads out of the store. Throws `BUILD_INCOMPLETE`. */
export function openLog(id: string, path: string): OpenedLog {
  const fd = openOrTell(id, path);
  const stat = fstatSync(fd);
  if (stat.isFile()) return { fd, size: stat.size };
  closeSync(fd);
  throw logUnreadable(id, path, 'it is no file');
}

function openOrTell(id: string, path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') throw logGone(id, path);
    // A link, a socket.
    if (code === 'ELOOP' || code === 'ENXIO') throw logUnreadable(id, path, 'it is no file', error);
    throw error;
  }
}
