import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectories } from '../directories.ts';
import { errorCode } from '../errors.ts';
import { type Index, MAX_MANIFEST_BYTES, MediaType, parseIndex } from '../oci/index.ts';
import { writeFailed } from '../store/errors.ts';
import { writeWhole } from '../whole-files.ts';
import { layoutInvalid } from './errors.ts';

const LAYOUT_FILE = 'oci-layout';
const INDEX_FILE = 'index.json';

/** Reads `oci-layout` and `index.json`; throws `OCI_LAYOUT_INVALID`. */
export function readLayoutIndex(path: string): Index {
  const layout = readBoundedFile(join(path, LAYOUT_FILE), 64 * 1024);
  if (layout === undefined) throw layoutInvalid(path, `it has no file ${LAYOUT_FILE}`);
  const version = readVersion(layout);
  if (version === undefined || !version.startsWith('1.'))
    throw layoutInvalid(path, `its version is ${JSON.stringify(version)}, expected 1.0.0`);
  const content = readBoundedFile(join(path, INDEX_FILE), MAX_MANIFEST_BYTES);
  if (content === undefined) throw layoutInvalid(path, `it has no file ${INDEX_FILE}`);
  return parseIndex(content, join(path, INDEX_FILE));
}

/** Makes an empty layout; what is there already stays. */
export function writeLayoutFiles(path: string): void {
  try {
    makeDirectories(join(path, 'blobs', 'sha256'));
    if (readBoundedFile(join(path, LAYOUT_FILE), 64 * 1024) === undefined)
      writeWhole(join(path, LAYOUT_FILE), '{"imageLayoutVersion":"1.0.0"}');
    if (readBoundedFile(join(path, INDEX_FILE), MAX_MANIFEST_BYTES) === undefined)
      writeLayoutIndex(path, { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] });
  } catch (error) {
    throw writeFailed(path, error);
  }
}

export function writeLayoutIndex(path: string, index: Index): void {
  const file = join(path, INDEX_FILE);
  try {
    writeWhole(file, JSON.stringify(index));
  } catch (error) {
    throw writeFailed(file, error);
  }
}

/**
 * A small regular file whole; `undefined` when there is none. Neither a pipe nor a device can make it wait, nor a large file
 * fill the memory: throws `OCI_LAYOUT_INVALID`.
 */
export function readBoundedFile(path: string, maxBytes: number): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
    throw layoutInvalid(path, 'it cannot be read', error);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw layoutInvalid(path, 'not a regular file');
    if (stat.size > maxBytes) throw layoutInvalid(path, `${stat.size} bytes, at most ${maxBytes} are allowed`);
    const content = Buffer.alloc(stat.size);
    return content.subarray(0, readSync(fd, content));
  } finally {
    closeSync(fd);
  }
}

function readVersion(content: Buffer): string | undefined {
  try {
    const value: unknown = JSON.parse(content.toString('utf8'));
    const version = (value as { imageLayoutVersion?: unknown } | null)?.imageLayoutVersion;
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}
