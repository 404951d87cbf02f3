import { createReadStream, statSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeDirectories } from '../directories.ts';
import { type Descriptor, type Index, isDigest, MAX_MANIFEST_BYTES, sniffManifestType } from '../oci/index.ts';
import { writeFailed } from '../store/errors.ts';
import { discardSource, writeBlob } from './blob-writer.ts';
import type { IngestOptions } from './content-store.ts';
import { contentNotFound, layoutInvalid, layoutNameUnknown } from './errors.ts';
import { blobPathIn } from './file-content-store.ts';
import { readBoundedFile, readLayoutIndex, writeLayoutFiles, writeLayoutIndex } from './oci-layout-index.ts';
import type { Fetcher, Pusher, ReopenableContent, Resolver, Tagger, TransferOptions } from './targets.ts';

/** A directory in the form of the OCI image layout (image-spec image-layout.md), as a place to copy from and to. */
export interface OciLayout extends Resolver, Fetcher, Pusher, Tagger {
  readonly path: string;
  /** What index.json says now. */
  readIndex(): Index;
  push(
    descriptor: Descriptor,
    source: ReopenableContent,
    options?: TransferOptions & Pick<IngestOptions, 'passing'>,
  ): Promise<void>;
  /** Lists an image in index.json without a name; one that is listed, by whatever name, stays as it is. */
  list(descriptor: Descriptor): Promise<void>;
}

/** Where a name is kept: the tag alone by the specification, the full reference as containerd and docker write it. */
export const REF_NAME_ANNOTATION = 'org.opencontainers.image.ref.name';
export const IMAGE_NAME_ANNOTATION = 'io.containerd.image.name';

/** Opens a layout that is there; throws `OCI_LAYOUT_INVALID`. */
export function openOciLayout(path: string): OciLayout {
  readLayoutIndex(path);
  return new LayoutDirectory(path);
}

/** Opens a layout, making directory and files where they are missing; throws `OCI_LAYOUT_INVALID`, `STORE_WRITE_FAILED`. */
export function createOciLayout(path: string): OciLayout {
  writeLayoutFiles(path);
  return openOciLayout(path);
}

let temporaries = 0;

class LayoutDirectory implements OciLayout {
  readonly path: string;
  readonly #blobs: string;
  /** index.json is read, changed and written: one at a time. */
  #changing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
    this.#blobs = join(path, 'blobs');
  }

  readIndex(): Index {
    return readLayoutIndex(this.path);
  }

  /** By name, by digest, or `''` for the only image that there is. */
  async resolve(reference: string): Promise<Descriptor> {
    const { manifests } = this.readIndex();
    const named = manifests.find(
      ({ digest, annotations }) =>
        digest === reference ||
        annotations?.[REF_NAME_ANNOTATION] === reference ||
        annotations?.[IMAGE_NAME_ANNOTATION] === reference,
    );
    if (named !== undefined) return named;
    const [only] = manifests;
    if (reference === '' && only !== undefined && manifests.length === 1) return only;
    return this.#resolveDigest(reference) ?? this.#refuseName(reference, manifests);
  }

  async fetch(descriptor: Descriptor, { offset = 0 }: { readonly offset?: number } = {}) {
    const path = blobPathIn(this.#blobs, descriptor.digest);
    // Only a file: somebody else's layout may have a pipe there, and opening that would wait for ever.
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) throw contentNotFound(descriptor.digest, this.path);
    return createReadStream(path, { start: offset, highWaterMark: 1024 * 1024 });
  }

  async exists({ digest, size }: Descriptor): Promise<boolean> {
    const found = statSync(blobPathIn(this.#blobs, digest), { throwIfNoEntry: false });
    return found?.isFile() === true && found.size === size;
  }

  async push(
    descriptor: Descriptor,
    source: ReopenableContent,
    options?: TransferOptions & Pick<IngestOptions, 'passing'>,
  ): Promise<void> {
    const stream = await source.open();
    if (await this.exists(descriptor)) return discardSource(stream);
    const path = blobPathIn(this.#blobs, descriptor.digest);
    const temporary = join(this.path, `.partial-${process.pid}-${++temporaries}`);
    try {
      makeDirectories(dirname(path));
    } catch (error) {
      discardSource(stream);
      throw writeFailed(path, error);
    }
    await writeBlob(temporary, descriptor, stream, options);
    await rename(temporary, path);
  }

  tag(descriptor: Descriptor, tag: string): Promise<void> {
    return this.#changeIndex((manifests) => {
      const others = manifests.filter(({ annotations }) => annotations?.[REF_NAME_ANNOTATION] !== tag);
      const annotations = { ...descriptor.annotations, [REF_NAME_ANNOTATION]: tag };
      return [...others, { ...descriptor, annotations }];
    });
  }

  list(descriptor: Descriptor): Promise<void> {
    return this.#changeIndex((manifests) =>
      manifests.some(({ digest }) => digest === descriptor.digest) ? manifests : [...manifests, descriptor],
    );
  }

  #changeIndex(change: (manifests: readonly Descriptor[]) => readonly Descriptor[]): Promise<void> {
    const changing = this.#changing.then(() => {
      const index = this.readIndex();
      writeLayoutIndex(this.path, { ...index, manifests: [...change(index.manifests)] });
    });
    this.#changing = changing.catch(() => {});
    return changing;
  }

  /** A manifest that index.json does not name but whose blob is there. */
  #resolveDigest(reference: string): Descriptor | undefined {
    if (!isDigest(reference)) return undefined;
    const content = readBoundedFile(blobPathIn(this.#blobs, reference), MAX_MANIFEST_BYTES);
    const mediaType = content === undefined ? undefined : sniffManifestType(content);
    if (content === undefined || mediaType === undefined) return undefined;
    return { mediaType, digest: reference, size: content.byteLength };
  }

  #refuseName(reference: string, manifests: readonly Descriptor[]): never {
    const names = manifests.map(({ digest, annotations }) => annotations?.[REF_NAME_ANNOTATION] ?? digest);
    if (manifests.length === 0) throw layoutInvalid(this.path, 'its index.json names no image');
    throw layoutNameUnknown(this.path, reference, names);
  }
}
