import { readlinkSync } from 'node:fs';

/** Where a symbolic link leads; `undefined` for what is none, or not there. */
export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
