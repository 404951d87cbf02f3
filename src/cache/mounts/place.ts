import {
  createReadStream,
  createWriteStream,
  existsSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { join } from 'node:path';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { CacheMountPlace } from '../../build-types.ts';
import {
  type CopyTarget,
  createOciLayout,
  type Fetcher,
  fetchContent,
  isNotFound,
  openOciLayout,
  REF_NAME_ANNOTATION,
} from '../../content/index.ts';
import { errorCode, errorMessage } from '../../errors.ts';
import { type ArchiveContext, readArchive } from '../../images/archive/reader.ts';
import type { NativeApi } from '../../native/types.ts';
import { invalidReference } from '../../oci/errors.ts';
import {
  childrenOf,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestEncoded,
  encodeJson,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  MediaType,
  parseIndex,
  parseTaggedReference,
} from '../../oci/index.ts';
import type { RegistryClient } from '../../registry/types.ts';
import { artifactInvalid } from './errors.ts';

/** A place that holds cache mounts, to read from. */
export interface MountSource extends Fetcher {
  /** What it is called. */
  readonly name: string;
  /** What it holds; `undefined` for nothing. */
  resolve(): Promise<Descriptor | undefined>;
  close(): Promise<void>;
}

/** … and to write to: what it holds stays until `commit`. */
export interface MountTarget extends MountSource {
  readonly copy: CopyTarget;
  /** From now on this is what it holds. */
  commit(root: Descriptor): Promise<void>;
}

export interface PlaceContext extends Omit<ArchiveContext, 'native'> {
  readonly native: ArchiveContext['native'] & Pick<NativeApi, 'syncFileSystem'>;
  readonly registry: Pick<RegistryClient, 'repository'>;
}

const DEFAULT_TAG = 'latest';
const HOUR_MS = 3_600_000;

/** How a place is written, for messages. */
export function placeName(place: CacheMountPlace): string {
  if (place.type === 'registry') return place.ref;
  if (place.type === 'tar') return place.path === '-' ? 'the archive' : place.path;
  return place.tag === undefined ? place.path : `${place.path}:${place.tag}`;
}

/** Opens a place to read from. Throws `REFERENCE_INVALID`, `OCI_LAYOUT_INVALID`, `ARCHIVE_INVALID`. */
export async function openMountSource(
  place: CacheMountPlace,
  context: PlaceContext,
  signal: AbortSignal,
): Promise<MountSource> {
  if (place.type === 'registry') return openRepository(place.ref, context, signal);
  if (place.type === 'tar') return await openArchive(place.path, context, signal);
  // Nothing there, or an empty directory that CI has made: nothing was exported yet.
  if (!existsSync(join(place.path, 'index.json'))) return emptySource(placeName(place));
  return openLayout(place, context);
}

/** Opens a place to write to; a layout is made where there is none. */
export function openMountTarget(place: CacheMountPlace, context: PlaceContext, signal: AbortSignal): MountTarget {
  if (place.type === 'registry') {
    if (parseTaggedReference(place.ref).digest !== undefined)
      throw invalidReference(place.ref, 'what is written gets its digest by itself: give a tag');
    return openRepository(place.ref, context, signal);
  }
  if (place.type === 'tar') return createArchive(place.path, signal);
  createOciLayout(place.path);
  return openLayout(place, context);
}

async function whereFound<T>(find: () => Promise<T>): Promise<T | undefined> {
  try {
    return await find();
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function openRepository(ref: string, { registry }: PlaceContext, signal: AbortSignal): MountTarget {
  const reference = parseTaggedReference(ref);
  const repository = registry.repository(reference);
  const name = reference.digest ?? reference.tag ?? DEFAULT_TAG;
  return {
    name: ref,
    copy: repository,
    resolve: () => whereFound(() => repository.resolve(name, { signal })),
    fetch: (descriptor, options) => repository.fetch(descriptor, { signal, ...options }),
    commit: (root) => repository.tag(root, reference.tag ?? DEFAULT_TAG, { signal }),
    async close() {},
  };
}

function openLayout(
  place: Extract<CacheMountPlace, { readonly type: 'layout' }>,
  { native }: PlaceContext,
): MountTarget {
  const layout = openOciLayout(place.path);
  const resolve = async () => {
    const count = layout.readIndex().manifests.length;
    const name = place.tag ?? (count === 1 ? '' : DEFAULT_TAG);
    return count === 0 ? undefined : await whereFound(() => layout.resolve(name));
  };
  return {
    name: placeName(place),
    copy: {
      exists: (descriptor) => layout.exists(descriptor),
      push: (descriptor, content, options) => layout.push(descriptor, content, { ...options, passing: true }),
      fetch: (descriptor, options) => layout.fetch(descriptor, options),
    },
    resolve: async () => {
      const found = await resolve();
      if (found === undefined) return undefined;
      const { annotations: _, ...descriptor } = found;
      return descriptor;
    },
    fetch: (descriptor, options) => layout.fetch(descriptor, options),
    async commit(root) {
      const old = await resolve();
      // All blobs at once: one by one that takes longer than everything else.
      await native.syncFileSystem(place.path);
      const tag = place.tag ?? old?.annotations?.[REF_NAME_ANNOTATION] ?? DEFAULT_TAG;
      await layout.tag(root, tag);
      // A directory that a CI system saves and restores is to hold what it holds, not all that it ever held.
      await removeUnreachable(layout, old);
    },
    async close() {},
  };
}

/** Removes of a layout what only `old` led to; and, long afterwards, what exports that were killed left. */
async function removeUnreachable(layout: ReturnType<typeof openOciLayout>, old: Descriptor | undefined): Promise<void> {
  const { manifests } = layout.readIndex();
  const kept = new Set<Digest>();
  for (const descriptor of manifests) for (const digest of await reachableFrom(layout, descriptor)) kept.add(digest);
  for (const digest of old === undefined ? [] : await reachableFrom(layout, old))
    if (!kept.has(digest)) rmSync(join(layout.path, blobPath(digest)), { force: true });
  removeStale(layout.path, (name) => name.startsWith('.partial-'));
  // Where others keep images too, what nothing leads to may be theirs.
  const blobs = join(layout.path, 'blobs', 'sha256');
  if (manifests.length === 1) removeStale(blobs, (name) => !kept.has(`sha256:${name}`));
}

/** Whoever still writes is not that slow. */
function removeStale(directory: string, isLeft: (name: string) => boolean): void {
  for (const name of readdirSync(directory).filter(isLeft)) {
    const path = join(directory, name);
    const found = statSync(path, { throwIfNoEntry: false });
    if (found?.isFile() && Date.now() - found.mtimeMs > HOUR_MS) rmSync(path, { force: true });
  }
}

async function reachableFrom(source: Fetcher, root: Descriptor): Promise<readonly Digest[]> {
  const found: Digest[] = [];
  const visit = async (descriptor: Descriptor, depth: number): Promise<void> => {
    found.push(descriptor.digest);
    const isParent = isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType);
    if (!isParent || depth > 3) return;
    const content = await whereFound(() => fetchContent(source, descriptor, MAX_MANIFEST_BYTES));
    if (content !== undefined) for (const child of childrenOf(descriptor, content)) await visit(child, depth + 1);
  };
  await visit(root, 0);
  return found;
}

function emptySource(name: string): MountSource {
  return {
    name,
    resolve: async () => undefined,
    fetch: () => Promise.reject(new Error(`${name} is empty`)),
    async close() {},
  };
}

/** An OCI layout in a tar, unpacked into temporary files that are removed when it is closed. */
async function openArchive(path: string, context: PlaceContext, signal: AbortSignal): Promise<MountSource> {
  const name = path === '-' ? 'the archive' : path;
  if (path !== '-' && statSync(path, { throwIfNoEntry: false }) === undefined) return emptySource(name);
  const input = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1024 * 1024 });
  const files = await readArchive(context, input, { signal }).catch((error: unknown) => {
    throw errorCode(error) === 'ARCHIVE_INVALID' ? artifactInvalid(name, errorMessage(error)) : error;
  });
  return {
    name,
    async resolve() {
      const { manifests } = parseIndex(await files.read('index.json', MAX_MANIFEST_BYTES), `${name}: index.json`);
      const [first] = manifests;
      if (first === undefined) return undefined;
      const { annotations: _, ...descriptor } = first;
      return descriptor;
    },
    async fetch({ digest }, { offset = 0 } = {}) {
      const file = files.require(blobPath(digest));
      return file.temporary === undefined
        ? context.content.open(file.digest, offset)
        : createReadStream(file.temporary, { start: offset, highWaterMark: 1024 * 1024 });
    },
    async close() {
      files.dispose();
    },
  };
}

/** Writes an OCI layout as a tar, as it comes. A file is there when it is whole. */
function createArchive(path: string, signal: AbortSignal): MountTarget {
  const toStdout = path === '-';
  const isFile = !toStdout && (statSync(path, { throwIfNoEntry: false })?.isFile() ?? true);
  const temporary = isFile ? `${path}.${process.pid}.partial` : path;
  let writing: { readonly add: (name: string, size: number, content: Readable) => Promise<void>; end(): Promise<void> };
  let queue: Promise<unknown> = Promise.resolve();
  const written = new Set<Digest>();
  // Opened at once: a stream that fails while it is still to open its file would make it after it was removed.
  const openOutput = (): Writable =>
    isFile ? createWriteStream(temporary, { fd: openSync(temporary, 'wx') }) : createWriteStream(path);
  const open = async () => {
    const { pack: createPack } = await import('tar-stream');
    const pack = createPack();
    const output: Writable = toStdout ? process.stdout : openOutput();
    const piped = pipeline(pack, output, { end: !toStdout, signal });
    piped.catch(() => {});
    return {
      async add(name: string, size: number, content: Readable): Promise<void> {
        const entry = pack.entry({ name, size, mode: 0o644, mtime: new Date(0) });
        await Promise.race([pipeline(content, entry), piped]);
      },
      async end(): Promise<void> {
        pack.finalize();
        await piped;
      },
    };
  };
  /** A tar is written from its beginning to its end. */
  const inOrder = (work: () => Promise<void>): Promise<void> => {
    const done = queue.then(work);
    queue = done.catch(() => {});
    return done;
  };
  const copy: CopyTarget = {
    exists: async ({ digest }) => written.has(digest),
    push: (descriptor, content) =>
      inOrder(async () => {
        writing ??= await open();
        const stream = await content.open();
        await writing.add(blobPath(descriptor.digest), descriptor.size, stream as Readable);
        written.add(descriptor.digest);
      }),
  };
  return {
    name: toStdout ? 'standard output' : path,
    copy,
    resolve: async () => undefined,
    fetch: () => Promise.reject(new Error('an archive that is written is not read')),
    async commit(root) {
      const index = {
        schemaVersion: 2,
        mediaType: MediaType.ociIndex,
        manifests: [{ ...root, annotations: { [REF_NAME_ANNOTATION]: DEFAULT_TAG } }],
      };
      writing ??= await open();
      for (const [name, content] of [
        ['index.json', encodeJson(index)],
        ['oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')],
      ] as const)
        await writing.add(name, content.byteLength, Readable.from([content]));
      await writing.end();
      if (isFile) renameSync(temporary, path);
    },
    async close() {
      if (isFile) rmSync(temporary, { force: true });
    },
  };
}

function blobPath(digest: Digest): string {
  return `blobs/${digestAlgorithm(digest)}/${digestEncoded(digest)}`;
}
