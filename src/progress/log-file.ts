import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Display } from './display-types.ts';
import type { CopyLines } from './output-buffer.ts';
import { PlainPrinter } from './plain-printer.ts';

const PRINT_INTERVAL_MS = 200;

/** Takes out of a stream what nobody is to read (src/secrets/masker.ts). */
export interface LogMasker {
  push(data: Uint8Array): Uint8Array;
  end(): Uint8Array;
}

/**
 * Writes the whole log of a build to a file as it comes, in the shapes of `--progress plain`; nothing is clipped or held
 * in memory. A disk that fills up costs the rest of the log, not the build: `finish` then returns the error. `masker` sees everything
 * before it is written.
 */
export function createLogFile(
  path: string,
  copyLines: CopyLines,
  masker?: LogMasker,
): Omit<Display, 'finish'> & { finish(): Error | undefined } {
  mkdirSync(dirname(path), { recursive: true });
  const fd = openSync(path, 'w', 0o600);
  let failure: Error | undefined;
  const write = (data: Uint8Array): void => {
    if (failure !== undefined) return;
    try {
      writeAll(fd, data);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
    }
  };
  const printer = new PlainPrinter({ write: (data) => write(masker?.push(data) ?? data), copyLines });
  const timer = setInterval(() => printer.print(Date.now()), PRINT_INTERVAL_MS);
  timer.unref();
  return {
    sink: (status) => printer.update(status, Date.now()),
    finish() {
      clearInterval(timer);
      printer.finish(Date.now());
      if (masker !== undefined) write(masker.end());
      closeSync(fd);
      return failure;
    },
  };
}

function writeAll(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.byteLength; ) done += writeSync(fd, data, done);
}
