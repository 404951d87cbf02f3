import { closeSync, constants, fstatSync, openSync, readSync, renameSync, rmSync, writeFileSync } from 'node:fs';

/**
 * Reads a small regular file. `undefined` for what is not there, is no file, cannot be read or is larger: for what nothing depends on.
 * Neither a pipe nor a device makes it wait.
 */
export function readWhole(path: string, maxBytes: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    const data = Buffer.alloc(stat.size);
    return data.subarray(0, readSync(fd, data, 0, data.length, 0));
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * Writes a file of the store: whole, or it is as it was before. Throws the system's error. `temporary`: where it is written first, for
 * those whose leftovers are swept by their names; otherwise beside it.
 */
export function writeWhole(
  path: string,
  data: string | Uint8Array,
  {
    temporary = `${path}.${process.pid}`,
    ...options
  }: { readonly mode?: number; readonly flush?: boolean; readonly temporary?: string } = {},
): void {
  try {
    writeFileSync(temporary, data, options);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
