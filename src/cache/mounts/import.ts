import { chmodSync, chownSync, existsSync, mkdirSync, renameSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import type { CacheMountPlace } from '../../build-types.ts';
import { fetchContent } from '../../content/index.ts';
import type { TaskReporter } from '../../images/types.ts';
import type { FileLock } from '../../native/types.ts';
import { type Digest, MAX_MANIFEST_BYTES } from '../../oci/index.ts';
import { pollLock } from '../../store/index.ts';
import { type ArtifactEntry, decodeMount, type MountArtifact } from './artifact.ts';
import { artifactTooLarge, mountInUse } from './errors.ts';
import {
  displayId,
  instanceDirectory,
  leftoverPath,
  listInstances,
  type MountFacts,
  makeInstance,
  mountName,
  readUse,
  touchInstance,
  writeFacts,
} from './facts.ts';
import type { LeftOut } from './limit.ts';
import { lockMaking, tryInstance } from './locks.ts';
import { writeMemo } from './memo.ts';
import { type MountSource, openMountSource } from './place.ts';
import { planParts } from './plan.ts';
import { findLocalParts, unpackArtifact } from './receive.ts';
import { readPlace, surveySettled, type TravelContext } from './travel.ts';
import { linkTree, shrink } from './trees.ts';

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
  await writeMemo(
    context.store,
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
    await writeFacts(store, name, directory, facts);
    if (existsSync(data)) await native.exchangePaths(half, data);
    else renameSync(half, data);
    touchInstance(directory, readUse(directory)?.sharing ?? 'shared');
  } finally {
    making.release();
  }
}
