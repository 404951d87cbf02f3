import { renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { BuildResult } from '../../build-types.ts';
import { fileUnwritable } from '../usage-errors.ts';
import type { CallResult } from './build-call.ts';

/** Where the flags of a build say that its result is written. */
export interface ResultFiles {
  readonly iidfile?: string;
  readonly metadataFile?: string;
}

/**
 * Looked at before the build, whose work a mistake here would waste. An image ID of an earlier build must not be taken for one
 * of this, if this fails. Throws `FILE_UNWRITABLE`.
 */
export function prepareResultFiles({ iidfile, metadataFile }: ResultFiles): void {
  if (iidfile !== undefined)
    guard('--iidfile', iidfile, () => {
      statSync(dirname(iidfile));
      rmSync(iidfile, { force: true });
    });
  if (metadataFile !== undefined) guard('--metadata-file', metadataFile, () => statSync(dirname(metadataFile)));
}

/** `--iidfile`: the image ID and nothing else, no line end. */
export function writeIidFile(path: string, { imageID }: BuildResult): void {
  if (imageID !== undefined) guard('--iidfile', path, () => writeWhole(path, imageID));
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
  guard('--metadata-file', path, () => writeWhole(path, JSON.stringify(metadata, undefined, 2)));
}

/** `--metadata-file` of `--call`, by buildx's keys. Only checks have a status: 1 where something was found. */
export function writeCallMetadata(path: string, { value, text, error, failed }: CallResult): void {
  const metadata = {
    'result.json': value,
    ...(failed === undefined ? {} : { 'result.statuscode': failed || error !== undefined ? '1' : '0' }),
    'result.txt': text,
    version: CALL_VERSION,
  };
  guard('--metadata-file', path, () => writeWhole(path, JSON.stringify(metadata, undefined, 2)));
}

/** Of the results' form, as BuildKit numbers it. */
const CALL_VERSION = '1.0.0';

function guard(flag: string, path: string, write: () => void): void {
  try {
    write();
  } catch (error) {
    throw fileUnwritable(flag, path, error);
  }
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
