import { once } from 'node:events';
import { closeSync, createWriteStream, fsyncSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { exportFailed } from './errors.ts';

/**
 * Writes a file whole or not at all: what is there stays until the new content is complete. `-` is standard output, and a pipe or
 * a device is written as it is.
 */
export async function writeDestination(
  dest: string,
  stdoutFd: number,
  write: (fd: number) => Promise<void>,
): Promise<void> {
  if (dest === '-') return write(stdoutFd);
  const isFile = statSync(dest, { throwIfNoEntry: false })?.isFile() ?? true;
  const path = isFile ? `${dest}.${process.pid}.partial` : dest;
  let fd: number | undefined;
  try {
    fd = openSync(path, isFile ? 'wx' : 'w', 0o644);
    await write(fd);
    if (isFile) fsyncSync(fd);
    closeSync(fd);
    if (isFile) renameSync(path, dest);
  } catch (error) {
    if (fd !== undefined) closeQuietly(fd);
    if (isFile) rmSync(path, { force: true });
    throw exportFailed(dest, error);
  }
}

/** A stream onto an open descriptor that stays open. */
export async function withStream(fd: number, write: (stream: Writable) => Promise<void>): Promise<void> {
  const stream = createWriteStream('', { fd, autoClose: false, highWaterMark: 1024 * 1024 });
  try {
    await write(stream);
    stream.end();
    if (!stream.writableFinished) await once(stream, 'finish');
  } finally {
    stream.on('error', () => {});
    stream.destroy();
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed before what failed.
  }
}
