import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, write as writeCallback } from 'node:fs';
import { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { errorCode } from '../errors.ts';
import { exportFailed } from './errors.ts';

/** What errors call it. */
const STDOUT = 'standard output';

/**
 * Writes a file whole or not at all: what is there stays until the new content is complete. `-` is standard output, and a pipe or
 * a device is written as it is.
 */
export async function writeDestination(
  dest: string,
  stdoutFd: number,
  write: (fd: number) => Promise<void>,
): Promise<void> {
  if (dest === '-')
    return write(stdoutFd).catch((error: unknown) => {
      throw exportFailed(STDOUT, error);
    });
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

/** A stream onto an open descriptor, which stays open and which nothing writes to any more afterwards. */
export async function withStream(fd: number, write: (stream: Writable) => Promise<void>): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  const stream = new Writable({
    highWaterMark: 1024 * 1024,
    write(chunk: Buffer, _encoding, done) {
      writing = writeWhole(fd, chunk).then(() => done(), done);
    },
  });
  try {
    await write(stream);
    stream.end();
    await finished(stream);
  } finally {
    stream.on('error', () => {});
    stream.destroy();
    await writing;
  }
}

const writeSome = promisify(writeCallback);
const FULL_PIPE_PAUSE_MS = 5;

async function writeWhole(fd: number, chunk: Buffer): Promise<void> {
  for (let offset = 0; offset < chunk.length; ) {
    try {
      offset += (await writeSome(fd, chunk, offset)).bytesWritten;
    } catch (error) {
      // Standard output may be a pipe that does not block.
      if (errorCode(error) !== 'EAGAIN') throw error;
      await sleep(FULL_PIPE_PAUSE_MS);
    }
  }
}

function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Closed before what failed.
  }
}
