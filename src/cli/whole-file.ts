import { closeSync, createWriteStream, openSync, renameSync, rmSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { TsbuildError } from '../errors.ts';
import { fileUnwritable } from './usage-errors.ts';

/** The file is there when it is whole, or not at all. Throws `FILE_UNWRITABLE`, and what `write` throws. */
export async function writeWholeFile(path: string, write: (target: Writable) => Promise<void>): Promise<void> {
  if (path.startsWith('/dev/')) {
    await writeStream(path, path, write);
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    closeSync(openSync(temporary, 'wx'));
  } catch (error) {
    throw fileUnwritable('-o', path, error);
  }
  try {
    await writeStream(temporary, path, write);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** `name` is what errors call the file. */
async function writeStream(path: string, name: string, write: (target: Writable) => Promise<void>): Promise<void> {
  const stream = createWriteStream(path);
  // An error of the file (a full disk) may come while nobody waits for the stream.
  const closed = finished(stream);
  closed.catch(() => {});
  try {
    await write(stream);
    stream.end();
  } catch (error) {
    stream.destroy();
    // It may still be about to be opened, which would make a file that was removed.
    await closed.catch(() => {});
    // Who writes may end the stream with what went wrong there: that is no fault of the file.
    throw stream.errored === null || error instanceof TsbuildError ? error : fileUnwritable('-o', name, stream.errored);
  }
  try {
    await closed;
  } catch (error) {
    throw fileUnwritable('-o', name, error);
  }
}
