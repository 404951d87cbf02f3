import {
  chmodSync,
  chownSync,
  createReadStream,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  statfsSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { CacheMountPlace } from '../../build-types.ts';
import { writeBlob } from '../../content/blob-writer.ts';
import { type CopyTarget, copyGraph, type Fetcher, fetchContent } from '../../content/index.ts';
import type { TaskReporter } from '../../images/types.ts';
import type { FileLock } from '../../native/types.ts';
import { type Descriptor, type Digest, MAX_MANIFEST_BYTES } from '../../oci/index.ts';
import { pollLock } from '../../store/index.ts';
import { type ArtifactEntry, decodeMount, encodeMount, type MountArtifact, mountDescriptor } from './artifact.ts';
import { artifactTooLarge, mountInUse } from './errors.ts';
import { readPlace, sumProgress, surveySettled, type TravelContext } from './export.ts';
import {
  displayId,
  instanceDirectory,
  listInstances,
  type MountFacts,
  makeInstance,
  mountName,
  readUse,
  touchInstance,
  writeFacts,
} from './facts.ts';
import { type LeftOut, limitTree } from './limit.ts';
import { lockMaking, tryInstance } from './locks.ts';
import { readMemo, writeMemo } from './memo.ts';
import { type MountSource, openMountSource } from './place.ts';
import { type Part, planParts, type Selection, SurveyPaths } from './plan.ts';
import { leftoverPath } from './remove.ts';

export interface ImportOptions {
  /**
   * What becomes of a mount that is there: `replace` (the default) puts the imported one into its place, `merge` lays what is imported
   * over it. Either way a step sees the one or the other, never a half.
   */
  readonly mode?: 'replace' | 'merge';
  /** Bytes of content; what was changed longest ago is left out. */
  readonly maxBytes?: number;
  /** Wait for steps that use the mount; otherwise `CACHE_MOUNT_IN_USE`. */
  readonly wait?: boolean;
  readonly signal?: AbortSignal;
  readonly onTask?: TaskReporter;
}

export interface ImportedMount {
  readonly id: string;
  readonly name: string;
  /** Of the manifest that it came from. */
  readonly digest: Digest;
  /** It was there just so already. */
  readonly upToDate: boolean;
  readonly receivedBytes: number;
  readonly leftOut: LeftOut;
}

/** The cache mounts of a place, at hand to be imported one by one. */
export interface MountImport {
  readonly entries: readonly ArtifactEntry[];
  /** `as` stands for what the artifact says of itself. */
  take(entry: ArtifactEntry, options: ImportOptions, as?: MountFacts): Promise<ImportedMount>;
  close(): Promise<void>;
}

/** Reads what a place holds; no entries where there is nothing yet. Throws `CACHE_MOUNT_ARTIFACT_INVALID`. */
export async function openMountImport(
  context: TravelContext,
  place: CacheMountPlace,
  signal: AbortSignal,
): Promise<MountImport> {
  const source = await openMountSource(place, context, signal);
  try {
    const found = await readPlace(source, signal);
    return {
      entries: found?.entries ?? [],
      take: (entry, options, as) => takeMount(context, source, entry, { signal, ...options }, as),
      close: () => source.close(),
    };
  } catch (error) {
    await source.close();
    throw error;
  }
}

async function takeMount(
  context: TravelContext,
  source: MountSource,
  { descriptor }: ArtifactEntry,
  options: ImportOptions & { readonly signal: AbortSignal },
  as: MountFacts | undefined,
): Promise<ImportedMount> {
  const { store, native } = context;
  const { signal, mode = 'replace' } = options;
  const where = `${source.name}@${descriptor.digest}`;
  const artifact = decodeMount(await fetchContent(source, descriptor, MAX_MANIFEST_BYTES, { signal }), where);
  const facts = as ?? artifact.facts;
  const name = mountName(facts);
  const id = displayId(facts.id);
  const done = { id, name, digest: descriptor.digest, leftOut: { files: 0, bytes: 0 } };
  const local = await findLocalParts(context, name);
  if (local.manifestOf(artifact.facts) === descriptor.digest) return { ...done, upToDate: true, receivedBytes: 0 };
  checkRoom(store.paths.cacheMounts, where, artifact);
  if (!options.wait) await refuseInUse(context, name, id);

  const directory = makeInstance(store, name, 0);
  const half = await leftoverPath(store, directory);
  // A merge begins with what is there, and nobody may change that meanwhile.
  let lock: FileLock | undefined;
  try {
    if (mode === 'merge') lock = await lockAlone(context, name, id, options);
    mkdirSync(half, { mode: 0o700 });
    if (lock !== undefined) await linkTree(context, join(directory, 'data'), half, id);
    const receivedBytes = await unpackArtifact(context, source, descriptor, artifact, { half, local, options });
    const leftOut = await shrink(context, half, id, options.maxBytes);
    chownSync(half, facts.uid, facts.gid);
    chmodSync(half, facts.mode);
    await rememberParts(context, directory, half, artifact, id);
    lock ??= await lockAlone(context, name, id, options);
    await putInPlace(context, name, facts, half, signal);
    return { ...done, upToDate: false, receivedBytes, leftOut };
  } finally {
    lock?.release();
    await native.removeTree(half);
  }
}

interface LocalParts {
  readonly root: string;
  /** By the digest of the blob that they were packed to or unpacked from. */
  readonly parts: ReadonlyMap<Digest, Part>;
  /** Which manifest the mount would be exported with; `undefined` where that is not known without packing. */
  manifestOf(facts: MountFacts): Digest | undefined;
}

/** What the store has of a mount, as far as it is known without reading files. */
async function findLocalParts(context: TravelContext, name: string): Promise<LocalParts> {
  const directory = instanceDirectory(context.store, name, 0);
  const root = join(directory, 'data');
  const memo = readMemo(directory);
  if (memo.size === 0 || !existsSync(root)) return { root, parts: new Map(), manifestOf: () => undefined };
  const plan = planParts((await surveySettled(context, root, name)).survey);
  const known = plan.flatMap((part) => {
    const packed = memo.get(part.fingerprint);
    return packed === undefined ? [] : [{ part, packed }];
  });
  return {
    root,
    parts: new Map(known.map(({ part, packed }) => [packed.digest, part])),
    manifestOf(facts) {
      if (known.length < plan.length) return undefined;
      const parts = known.map(({ part: { kind, entries }, packed }) => ({ ...packed, kind, entries }));
      return mountDescriptor(encodeMount(facts, parts)).digest;
    },
  };
}

/** Before a byte is fetched. What unpacks to more than it says is refused on the way. */
function checkRoom(directory: string, where: string, { parts }: MountArtifact): void {
  const wanted = parts.reduce((sum, { tarSize, size }) => sum + tarSize + size, 0);
  const { bavail, bsize } = statfsSync(directory);
  if (wanted > bavail * bsize) throw artifactTooLarge(where, wanted, bavail * bsize);
}

async function refuseInUse({ store }: TravelContext, name: string, id: string): Promise<void> {
  for (const index of listInstances(store, name)) {
    const lock = await tryInstance(store, name, index, true);
    if (lock === undefined) throw mountInUse(id);
    lock.release();
  }
}

async function lockAlone(
  { store }: TravelContext,
  name: string,
  id: string,
  { wait, signal, onTask }: ImportOptions & { readonly signal: AbortSignal },
): Promise<FileLock> {
  const tryLock = (): Promise<FileLock | undefined> => tryInstance(store, name, 0, true);
  if (wait) return await pollLock(tryLock, signal, () => onTask?.(`waiting for the step that uses ${id}`, 0, 0));
  const lock = await tryLock();
  if (lock === undefined) throw mountInUse(id);
  return lock;
}

interface Unpacking {
  readonly half: string;
  readonly local: LocalParts;
  readonly options: ImportOptions & { readonly signal: AbortSignal };
}

/** Fetches and unpacks all parts side by side: directories first, further names of files last. */
async function unpackArtifact(
  context: TravelContext,
  source: MountSource,
  root: Descriptor,
  artifact: MountArtifact,
  { half, local, options }: Unpacking,
): Promise<number> {
  const { content, native } = context;
  const parts = new Map(artifact.parts.map((part) => [part.digest, part]));
  const temporaries = new Map<Digest, string>();
  const unpack = async (digest: Digest): Promise<void> => {
    const blob = temporaries.get(digest) ?? '';
    const { tarSize = 0, entries = 0 } = parts.get(digest) ?? {};
    await native.unpackPart({ blob, target: half, maxBytes: tarSize, maxEntries: entries });
  };
  let directoriesDone = (_error?: unknown): void => {};
  const directories = new Promise<void>((resolve, reject) => {
    directoriesDone = (error) => (error === undefined ? resolve() : reject(error as Error));
  });
  directories.catch(() => {});
  const takePart = async (digest: Digest, kind: Part['kind']): Promise<void> => {
    if (kind === 'directories') await unpack(digest);
    else await directories;
    if (kind === 'files') {
      await unpack(digest);
      rmSync(temporaries.get(digest) ?? '', { force: true });
    }
  };
  const copy: CopyTarget = {
    exists: async () => false,
    async push(descriptor, stored, transfer) {
      const part = parts.get(descriptor.digest);
      const stream = (await stored.open()) as Readable;
      // The manifest was read before; the config says nothing.
      if (part === undefined) return void stream.resume();
      try {
        const temporary = await content.temporaryPath();
        temporaries.set(descriptor.digest, temporary);
        await writeBlob(temporary, descriptor, stream, { ...transfer, passing: true });
        await takePart(descriptor.digest, part.kind);
        if (part.kind === 'directories') directoriesDone();
      } catch (error) {
        if (part.kind === 'directories') directoriesDone(error);
        throw error;
      }
    },
  };
  const reuse = reuseLocal(context, source, local, temporaries);
  const progress = sumProgress('receiving', options.onTask);
  try {
    const { copied } = await copyGraph(reuse, copy, root, { signal: options.signal, onProgress: progress.report });
    progress.end();
    for (const { digest, kind } of artifact.parts) if (kind === 'links') await unpack(digest);
    // Their times were changed by what was put into them.
    for (const { digest, kind } of artifact.parts) if (kind === 'directories') await unpack(digest);
    return copied.reduce((sum, { digest, size }) => sum + (reuse.reused.has(digest) ? 0 : size), 0);
  } finally {
    directoriesDone(new Error('the import has ended'));
    for (const temporary of temporaries.values()) rmSync(temporary, { force: true });
  }
}

/** What the mount that is there has already is packed from it and not fetched: packing equal files gives equal bytes. */
function reuseLocal(
  { content, native }: TravelContext,
  source: MountSource,
  local: LocalParts,
  temporaries: Map<Digest, string>,
): Fetcher & { readonly reused: ReadonlySet<Digest> } {
  const reused = new Set<Digest>();
  const packLocal = async (digest: Digest, part: Part): Promise<Readable | undefined> => {
    const output = await content.temporaryPath();
    temporaries.set(`sha256:local ${digest}`, output);
    const { paths, targets } = part;
    try {
      const packed = await native.packPart({ root: local.root, paths, output, ...(targets && { targets }) });
      return packed.digest === digest ? createReadStream(output, { highWaterMark: 1024 * 1024 }) : undefined;
    } catch {
      // A step changes it: then it is fetched.
      return undefined;
    }
  };
  return {
    reused,
    async fetch(descriptor, options = {}) {
      const { digest } = descriptor;
      const part = local.parts.get(digest);
      const stream = part === undefined || options.offset ? undefined : await packLocal(digest, part);
      if (stream === undefined) return await source.fetch(descriptor, options);
      reused.add(digest);
      return stream;
    },
  };
}

/** A tree of other names of the same files: what is unpacked over it replaces names, and never writes into a file. */
async function linkTree(context: TravelContext, from: string, to: string, id: string): Promise<void> {
  if (!existsSync(from)) return;
  const { survey } = await surveySettled(context, from, id);
  const paths = new SurveyPaths(survey);
  for (let i = 0; i < survey.types.length; i++) {
    const [source, target] = [pathIn(from, paths, i), pathIn(to, paths, i)];
    if (survey.types[i] !== 'd') {
      linkSync(source, target);
      continue;
    }
    const { mode, uid, gid } = lstatSync(source);
    mkdirSync(target);
    chownSync(target, uid, gid);
    chmodSync(target, mode & 0o7777);
  }
}

/** Removes what does not fit. */
async function shrink(
  context: TravelContext,
  root: string,
  id: string,
  maxBytes: number | undefined,
): Promise<LeftOut> {
  if (maxBytes === undefined) return { files: 0, bytes: 0 };
  const { survey } = await surveySettled(context, root, id);
  const { keep, leftOut } = limitTree(survey, maxBytes);
  if (keep !== undefined) removeOthers(root, new SurveyPaths(survey), survey.types, keep);
  return leftOut;
}

function removeOthers(root: string, paths: SurveyPaths, types: string, keep: Selection): void {
  // From behind: what is in a directory comes after it.
  for (let i = types.length - 1; i >= 0; i--) {
    if (keep[i] === 1) continue;
    if (types[i] === 'd') rmdirSync(pathIn(root, paths, i));
    else unlinkSync(pathIn(root, paths, i));
  }
}

function pathIn(root: string, paths: SurveyPaths, index: number): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), paths.bytes(index).subarray(0, -1)]);
}

/** So that the next export finds unchanged what was just imported. */
async function rememberParts(
  context: TravelContext,
  directory: string,
  half: string,
  artifact: MountArtifact,
  id: string,
): Promise<void> {
  const { survey, isSettled } = await surveySettled(context, half, id);
  const plan = planParts(survey);
  const isSame =
    isSettled &&
    plan.length === artifact.parts.length &&
    plan.every(({ kind, entries }, i) => kind === artifact.parts[i]?.kind && entries === artifact.parts[i].entries);
  if (!isSame) return;
  writeMemo(
    directory,
    new Map(
      plan.flatMap(({ fingerprint }, i) => {
        const part = artifact.parts[i];
        return part === undefined ? [] : [[fingerprint, part]];
      }),
    ),
  );
}

/** In one step. The caller holds the mount for itself. */
async function putInPlace(
  { store, native }: TravelContext,
  name: string,
  facts: MountFacts,
  half: string,
  signal: AbortSignal,
): Promise<void> {
  const making = await lockMaking(store, name, signal);
  try {
    const directory = instanceDirectory(store, name, 0);
    const data = join(directory, 'data');
    writeFacts(store, name, facts);
    if (existsSync(data)) await native.exchangePaths(half, data);
    else renameSync(half, data);
    touchInstance(directory, readUse(directory)?.sharing ?? 'shared');
  } finally {
    making.release();
  }
}
