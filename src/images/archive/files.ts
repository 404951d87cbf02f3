import { readFileSync, rmSync } from 'node:fs';
import { posix } from 'node:path';
import type { ContentStore } from '../../content/index.ts';
import type { Compression, Digest } from '../../oci/index.ts';
import { archiveInvalid } from '../errors.ts';

/** A file of an archive, its bytes in a temporary file of the content store, or in the store already. */
export interface ArchiveFile {
  readonly digest: Digest;
  readonly size: number;
  readonly compression: Compression;
  /** `undefined` when the store has the blob. */
  readonly temporary: string | undefined;
}

/** The most files and links that an archive may have: a thousand images of a hundred layers. */
const MAX_ENTRIES = 100_000;
const MAX_LINKS_FOLLOWED = 16;

/** The files of an archive, by path, before anything of them is believed. What is not taken into the store is removed. */
export class ArchiveFiles {
  readonly #content: ContentStore;
  readonly #files = new Map<string, ArchiveFile>();
  /** Path -> path: symbolic and hard links, resolved inside the archive only. */
  readonly #links = new Map<string, string>();

  constructor(content: ContentStore) {
    this.#content = content;
  }

  /** Takes the file's temporary over, even when it refuses the path. */
  addFile(name: string, file: ArchiveFile): void {
    let path: string;
    try {
      path = cleanPath(name);
      this.#makeRoom();
    } catch (error) {
      this.#drop(file);
      throw error;
    }
    this.#drop(this.#files.get(path));
    this.#links.delete(path);
    this.#files.set(path, file);
  }

  addLink(name: string, target: string, kind: 'symlink' | 'hardlink'): void {
    const path = cleanPath(name);
    this.#makeRoom();
    const base = kind === 'symlink' ? posix.dirname(path) : '.';
    this.#links.set(path, cleanPath(posix.join(base, target)));
  }

  has(name: string): boolean {
    return this.find(name) !== undefined;
  }

  /** Throws `ARCHIVE_INVALID` for a path that leaves the archive and for links in a circle. */
  find(name: string): ArchiveFile | undefined {
    let path = cleanPath(name);
    for (let followed = 0; followed < MAX_LINKS_FOLLOWED; followed++) {
      const file = this.#files.get(path);
      if (file !== undefined) return file;
      const next = this.#links.get(path);
      if (next === undefined) return undefined;
      path = next;
    }
    throw archiveInvalid(`${JSON.stringify(name)} is a link in a circle`);
  }

  /** Throws `ARCHIVE_INVALID` where there is no such file. */
  require(name: string): ArchiveFile {
    const file = this.find(name);
    if (file === undefined) throw archiveInvalid(`it has no file ${JSON.stringify(name)}`);
    return file;
  }

  async read(name: string, maxBytes: number): Promise<Buffer> {
    const file = this.require(name);
    if (file.size > maxBytes)
      throw archiveInvalid(`${name} has ${file.size} bytes, at most ${maxBytes} are read at once`);
    const isStored = file.temporary === undefined || this.#content.stat(file.digest) !== undefined;
    return isStored ? this.#content.read(file.digest, maxBytes) : readFileSync(file.temporary);
  }

  /** Puts a file into the content store. */
  async adopt(file: ArchiveFile): Promise<void> {
    if (file.temporary === undefined || (await this.#content.claim(file.digest)) !== undefined) return;
    await this.#content.adopt(file.temporary, { digest: file.digest, size: file.size });
  }

  /** Removes the temporary files that are left. */
  dispose(): void {
    for (const file of this.#files.values()) this.#drop(file);
    this.#files.clear();
  }

  #makeRoom(): void {
    if (this.#files.size + this.#links.size >= MAX_ENTRIES)
      throw archiveInvalid(`it has more than ${MAX_ENTRIES} entries`);
  }

  #drop(file: ArchiveFile | undefined): void {
    if (file?.temporary !== undefined) rmSync(file.temporary, { force: true });
  }
}

/** A path relative to the archive's root, without `.` and `..`; throws `ARCHIVE_INVALID` when it leaves the root. */
function cleanPath(name: string): string {
  const path = posix.normalize(name).replace(/\/$/, '');
  if (path.startsWith('/') || path === '..' || path.startsWith('../') || path.includes('\0'))
    throw archiveInvalid(`the path ${JSON.stringify(name)} leaves the archive`);
  return path;
}

/** By the first bytes: nothing else in an archive says it. */
export function sniffCompression(start: Uint8Array): Compression {
  if (start[0] === 0x1f && start[1] === 0x8b) return 'gzip';
  const isZstd = start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd;
  return isZstd ? 'zstd' : 'none';
}
