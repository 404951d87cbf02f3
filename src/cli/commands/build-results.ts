import { renameSync, rmSync, writeFileSync } from 'node:fs';
import type { BuildResult } from '../../build-types.ts';

/** A result of an earlier build must not be taken for one of this, if this fails. */
export function removeOldResult(path: string): void {
  rmSync(path, { force: true });
}

/** `--iidfile`: the image ID and nothing else, no line end. */
export function writeIidFile(path: string, result: BuildResult): void {
  if (result.imageID !== undefined) writeWhole(path, result.imageID);
}

/** `--metadata-file`: buildx's keys, sorted. */
export function writeMetadataFile(path: string, result: BuildResult): void {
  const { imageID, descriptor, names } = result;
  const metadata = {
    ...(imageID === undefined ? {} : { 'containerimage.config.digest': imageID }),
    ...(descriptor === undefined
      ? {}
      : { 'containerimage.descriptor': descriptor, 'containerimage.digest': descriptor.digest }),
    ...(names.length === 0 ? {} : { 'image.name': names.join(',') }),
  };
  writeWhole(path, JSON.stringify(metadata, undefined, 2));
}

/** Whoever waits for the file never sees half of it; a device (`/dev/stdout`) is written as it is. */
function writeWhole(path: string, text: string): void {
  if (path.startsWith('/dev/')) {
    writeFileSync(path, text);
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
