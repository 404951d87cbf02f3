import { createReadStream, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CacheMountPlace } from '../../build-types.ts';
import { copyGraph, type Fetcher, fetchContent, isNotFound } from '../../content/index.ts';
import { errorCode } from '../../errors.ts';
import { mapConcurrently } from '../../images/concurrency.ts';
import type { TaskReporter } from '../../images/types.ts';
import { type Descriptor, type Digest, describe, MAX_MANIFEST_BYTES, MediaType } from '../../oci/index.ts';
import { pollLock } from '../../store/index.ts';
import {
  type ArtifactEntry,
  type ArtifactPart,
  decodeMount,
  EMPTY_CONFIG,
  encodeMount,
  encodeMounts,
  layerDigests,
  layerOf,
  mountDescriptor,
} from './artifact.ts';
import { mountBusy, mountNotFound } from './errors.ts';
import { displayId, instanceDirectory, type MountFacts, readFacts } from './facts.ts';
import { type LeftOut, limitTree } from './limit.ts';
import { tryInstance } from './locks.ts';
import { type PackedPart, readMemo, writeMemo } from './memo.ts';
import { type MountSource, type MountTarget, openMountTarget } from './place.ts';
import { type Part, planParts } from './plan.ts';
import { readPlace, sumProgress, surveySettled, TICK_MS, type TravelContext } from './travel.ts';

export interface ExportOptions {
  /** Of each mount: bytes of content. What was used longest ago is left out. */
  readonly maxBytes?: number;
  readonly signal?: AbortSignal;
  readonly onTask?: TaskReporter;
}

export interface ExportedMounts {
  /** Of what the place holds now: a mount's manifest, or an index of several. */
  readonly digest: Digest;
  /** The place held just that already. */
  readonly unchanged: boolean;
  /** Bytes of blobs that were sent. */
  readonly sentBytes: number;
  readonly mounts: readonly ExportedMount[];
}

export interface ExportedMount {
  readonly id: string;
  readonly name: string;
  readonly digest: Digest;
  /** Of all its blobs. */
  readonly blobBytes: number;
  readonly parts: number;
  /** For the sake of `maxBytes`. */
  readonly leftOut: LeftOut;
  /** Devices, fifos and sockets, which do not travel. */
  readonly specialFiles: number;
}

/** A tree that is changed while it is packed is packed again, so often. */
const ATTEMPTS = 4;
const PACKED_AT_ONCE = 4;

/**
 * Brings cache mounts to a place. What the place holds of other ids stays there, what it holds of these is replaced. Only parts that
 * the place lacks are sent, and only parts that changed since the last export or import are read. Steps that want the mount for
 * themselves wait while it is packed, not while it is sent.
 */
export async function exportCacheMounts(
  context: TravelContext,
  names: readonly string[],
  place: CacheMountPlace,
  options: ExportOptions = {},
): Promise<ExportedMounts> {
  const signal = options.signal ?? new AbortController().signal;
  const target = openMountTarget(place, context, signal);
  const packed = new Map<Digest, Packed>();
  try {
    const before = await readPlace(target, signal);
    const ids = new Set(names.map((name) => requireFacts(context, name).id));
    const replaced = before?.entries.filter(({ facts }) => ids.has(facts.id)) ?? [];
    // A registry that has a manifest has its layers; in a directory a look at each is cheap.
    const there = target.copy.keepsGraphsWhole ? await readLayers(target, replaced, signal) : new Set<Digest>();
    const isThere = async (part: ArtifactPart): Promise<boolean> =>
      there.has(part.digest) || (await target.copy.exists(layerOf(part), { signal }));
    const entries: ArtifactEntry[] = [];
    const mounts: ExportedMount[] = [];
    for (const name of names) {
      const { entry, mount } = await packMount(context, name, { ...options, signal, isThere, there, packed });
      entries.push(entry);
      mounts.push(mount);
    }
    const others = before?.entries.filter(({ facts }) => !ids.has(facts.id)) ?? [];
    const kept = await findThere(target, others, signal);
    const root = addRoot([...kept, ...entries], packed);
    const unchanged = before?.descriptor.digest === root.digest;
    const sentBytes = unchanged ? 0 : await send(target, root, packed, there, { ...options, signal });
    return { digest: root.digest, unchanged, sentBytes, mounts };
  } finally {
    for (const { temporary } of packed.values()) if (temporary !== undefined) rmSync(temporary, { force: true });
    await target.close();
  }
}

/** Bytes to send: a manifest in hand, or a part in a temporary file. */
type Packed = { readonly bytes: Buffer; readonly temporary?: undefined } | { readonly temporary: string };

interface PackedMount {
  readonly entry: ArtifactEntry;
  readonly mount: ExportedMount;
}

interface PackOptions extends ExportOptions {
  readonly signal: AbortSignal;
  readonly isThere: (part: ArtifactPart) => Promise<boolean>;
  /** Layers that are known to be there. */
  readonly there: Set<Digest>;
  readonly packed: Map<Digest, Packed>;
}

async function packMount(context: TravelContext, name: string, options: PackOptions): Promise<PackedMount> {
  const facts = requireFacts(context, name);
  for (let attempt = 1; ; attempt++)
    try {
      return await packOnce(context, name, facts, options);
    } catch (error) {
      if (errorCode(error) !== 'FILE_CHANGED') throw error;
      if (attempt === ATTEMPTS) throw mountBusy(displayId(facts.id), error);
      await sleep(TICK_MS * 4 ** attempt, undefined, { signal: options.signal });
    }
}

async function packOnce(
  context: TravelContext,
  name: string,
  facts: MountFacts,
  options: PackOptions,
): Promise<PackedMount> {
  const id = displayId(facts.id);
  const directory = instanceDirectory(context.store, name, 0);
  const waits = (): void => options.onTask?.(`waiting for the step that uses ${id}`, 0, 0);
  const lock = await pollLock(() => tryInstance(context.store, name, 0, false), options.signal, waits);
  try {
    const root = join(directory, 'data');
    const { survey, isSettled } = await surveySettled(context, root, id);
    const { keep, leftOut } = limitTree(survey, options.maxBytes);
    const parts = await packParts(context, root, planParts(survey, keep), readMemo(directory), options, id);
    if (isSettled)
      await writeMemo(context.store, directory, new Map(parts.map(({ fingerprint, part }) => [fingerprint, part])));
    const manifest = encodeMount(
      facts,
      parts.map(({ part }) => part),
    );
    const descriptor = mountDescriptor(manifest);
    options.packed.set(descriptor.digest, { bytes: manifest });
    const blobBytes = parts.reduce((sum, { part }) => sum + part.size, 0);
    const { digest } = descriptor;
    return {
      entry: { descriptor, facts },
      mount: { id, name, digest, blobBytes, parts: parts.length, leftOut, specialFiles: survey.leftOut },
    };
  } finally {
    lock.release();
  }
}

async function packParts(
  context: TravelContext,
  root: string,
  plan: readonly Part[],
  memo: ReadonlyMap<Digest, PackedPart>,
  options: PackOptions,
  id: string,
): Promise<readonly { readonly fingerprint: Digest; readonly part: ArtifactPart }[]> {
  const total = plan.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const report = (bytes: number, ended = false): void => {
    done += bytes;
    options.onTask?.(`packing ${id}`, done, total, ended);
  };
  const parts = await mapConcurrently(plan, PACKED_AT_ONCE, async (planned) => {
    options.signal.throwIfAborted();
    const { kind, entries, fingerprint } = planned;
    const known = memo.get(fingerprint);
    const part = known === undefined ? undefined : { kind, entries, ...known };
    const isReady = part !== undefined && (options.packed.has(part.digest) || (await options.isThere(part)));
    if (isReady) options.there.add(part.digest);
    const ready = isReady ? part : await packPart(context, root, planned, options);
    report(planned.bytes);
    return { fingerprint, part: ready };
  });
  report(0, true);
  return parts;
}

async function packPart(
  { content, native }: TravelContext,
  root: string,
  { kind, paths, targets, entries, fingerprint }: Part,
  { packed }: PackOptions,
): Promise<ArtifactPart> {
  const output = await content.temporaryPath();
  const result = await native.packPart({ root, paths, output, ...(targets === undefined ? {} : { targets }) });
  // The same part of an earlier attempt, or of another mount.
  if (packed.has(result.digest)) rmSync(output, { force: true });
  else packed.set(result.digest, { temporary: output });
  if (result.fingerprint !== fingerprint)
    throw Object.assign(new Error(`files of ${root} were changed while they were packed`), { code: 'FILE_CHANGED' });
  return { kind, entries, digest: result.digest, size: result.size, tarSize: result.tarSize };
}

/** One mount is its manifest, several are an index. */
function addRoot(entries: readonly ArtifactEntry[], packed: Map<Digest, Packed>): Descriptor {
  const config = describe(MediaType.ociEmpty, EMPTY_CONFIG);
  packed.set(config.digest, { bytes: EMPTY_CONFIG });
  const [only] = entries;
  if (only !== undefined && entries.length === 1) return only.descriptor;
  const sorted = [...entries].sort((a, b) => compareKeys(sortKey(a), sortKey(b)));
  const index = encodeMounts(sorted);
  const descriptor = describe(MediaType.ociIndex, index);
  packed.set(descriptor.digest, { bytes: index });
  return descriptor;
}

function sortKey({ facts, descriptor }: ArtifactEntry): string {
  return `${facts.id}\0${descriptor.digest}`;
}

function compareKeys(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sends what the place lacks, and names it last. */
async function send(
  target: MountTarget,
  root: Descriptor,
  packed: ReadonlyMap<Digest, Packed>,
  there: ReadonlySet<Digest>,
  { signal, onTask }: ExportOptions & { readonly signal: AbortSignal },
): Promise<number> {
  const source: Fetcher = {
    async fetch(descriptor, options = {}) {
      const found = packed.get(descriptor.digest);
      const { offset = 0 } = options;
      if (found === undefined) return await target.fetch(descriptor, options);
      return found.temporary === undefined
        ? Readable.from([found.bytes.subarray(offset)])
        : createReadStream(found.temporary, { start: offset, highWaterMark: 1024 * 1024 });
    },
  };
  const exists: typeof target.copy.exists = async (descriptor, options) =>
    there.has(descriptor.digest) || (await target.copy.exists(descriptor, options));
  const { keepsGraphsWhole } = target.copy;
  const copy = {
    ...(keepsGraphsWhole === undefined ? {} : { keepsGraphsWhole }),
    exists,
    push: target.copy.push.bind(target.copy),
    ...(target.copy.fetch === undefined ? {} : { fetch: target.fetch.bind(target) }),
  };
  const progress = sumProgress('sending', onTask);
  const { copied } = await copyGraph(source, copy, root, { signal, onProgress: progress.report });
  progress.end();
  await target.commit(root);
  return copied.reduce((sum, { size }) => sum + size, 0);
}

/** Without those whose manifest somebody has removed: what names them could not be written again. */
async function findThere(
  { copy }: MountTarget,
  entries: readonly ArtifactEntry[],
  signal: AbortSignal,
): Promise<readonly ArtifactEntry[]> {
  const there = await Promise.all(entries.map(({ descriptor }) => copy.exists(descriptor, { signal })));
  return entries.filter((_, i) => there[i]);
}

async function readLayers(
  source: MountSource,
  entries: readonly ArtifactEntry[],
  signal: AbortSignal,
): Promise<Set<Digest>> {
  const digests = new Set<Digest>();
  for (const { descriptor } of entries)
    try {
      const content = await fetchContent(source, descriptor, MAX_MANIFEST_BYTES, { signal });
      for (const digest of layerDigests(decodeMount(content, source.name))) digests.add(digest);
    } catch (error) {
      // Somebody has removed it; then nothing is known to be there.
      if (!isNotFound(error)) throw error;
    }
  return digests;
}

function requireFacts({ store }: Pick<TravelContext, 'store'>, name: string): MountFacts {
  const facts = readFacts(store, name);
  if (facts === undefined) throw mountNotFound(name, [], 'the store');
  return facts;
}
