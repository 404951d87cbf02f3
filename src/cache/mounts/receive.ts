import { createReadStream, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { writeBlob } from '../../content/blob-writer.ts';
import { type CopyTarget, copyGraph, type Fetcher } from '../../content/index.ts';
import type { TaskReporter } from '../../images/types.ts';
import type { Descriptor, Digest } from '../../oci/index.ts';
import { encodeMount, type MountArtifact, mountDescriptor } from './artifact.ts';
import { instanceDirectory, type MountFacts } from './facts.ts';
import { readMemo } from './memo.ts';
import type { MountSource } from './place.ts';
import { type Part, planParts } from './plan.ts';
import { sumProgress, surveySettled, type TravelContext } from './travel.ts';

/** What the store has of a mount already: what equals it is packed again and not fetched. */
export interface LocalParts {
  readonly root: string;
  /** By the digest of the blob that they were packed to or unpacked from. */
  readonly parts: ReadonlyMap<Digest, Part>;
  /** Which manifest the mount would be exported with; `undefined` where that is not known without packing. */
  manifestOf(facts: MountFacts): Digest | undefined;
}

/** What the store has of a mount, as far as it is known without reading files. */
export async function findLocalParts(context: TravelContext, name: string): Promise<LocalParts> {
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

interface Unpacking {
  readonly half: string;
  readonly local: LocalParts;
  readonly options: { readonly signal: AbortSignal; readonly onTask?: TaskReporter };
}

/** Fetches and unpacks all parts side by side: directories first, further names of files last. */
export async function unpackArtifact(
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
