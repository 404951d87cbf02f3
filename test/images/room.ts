import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { type ContentStore, createContentStore } from '../../src/content/index.ts';
import { createImageStore, type ImageStore } from '../../src/images/index.ts';
import { native } from '../../src/native/index.ts';
import {
  type ContainerConfig,
  type Descriptor,
  digestOf,
  encodeJson,
  hostPlatform,
  type ImageConfig,
  layerMediaType,
  MediaType,
  type Platform,
} from '../../src/oci/index.ts';
import { createRegistryClient } from '../../src/registry/index.ts';
import { type Chains, createChains } from '../../src/snapshot/chains.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import type { Snapshotter } from '../../src/snapshot/snapshotter.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { type RawEntry, writeTar } from '../support/tar-writer.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

/** A store with all that images need around it. */
export interface Room {
  /** A folder for the test's own files; the store lies in `store`. */
  readonly work: string;
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly images: ImageStore;
}

/** Opens a store of its own for a test, or the one at `root`, and closes it with the test. */
export async function openRoom(t: ExecutionContext, root?: string): Promise<Room> {
  // Snapshots are many small files, and images are moved about in them: memory is quick and has no history.
  const work = makeTempDir('images', existsSync('/dev/shm') ? '/dev/shm' : undefined);
  const room = await openRoomAt(root ?? join(work, 'store'), work);
  t.teardown(async () => {
    await room.close().finally(() => removeTree(work));
  });
  return room;
}

export async function openRoomAt(root: string, work: string): Promise<Room & { close(): Promise<void> }> {
  const store = await openStore(root);
  const content = createContentStore(store);
  const snapshotter = createOverlaySnapshotter(store, native);
  const chains = createChains(store, snapshotter);
  const registry = createRegistryClient({ env: {} });
  const images = createImageStore({ store, content, snapshotter, chains, native, registry });
  return {
    work,
    store,
    content,
    snapshotter,
    chains,
    images,
    async close() {
      await registry.close();
      await store.close();
    },
  };
}

export interface SampleImage {
  /** Each a layer: its files by name, or the entries as they are to stand in the tar. */
  readonly layers?: readonly (Readonly<Record<string, string>> | readonly RawEntry[])[];
  readonly config?: ContainerConfig;
  readonly created?: string;
  readonly platform?: Platform;
  readonly compression?: 'none' | 'gzip';
}

/** The parts of an image made by hand. */
export interface SampleParts {
  readonly config: ImageConfig;
  readonly configBytes: Buffer;
  readonly layers: readonly { readonly tar: Buffer; readonly blob: Buffer }[];
  readonly manifestBytes: Buffer;
  readonly manifest: Descriptor;
}

export function makeParts(sample: SampleImage = {}): SampleParts {
  const compression = sample.compression ?? 'gzip';
  const layers = (sample.layers ?? [{ file: 'content\n' }]).map((files) => {
    const entries = Array.isArray(files)
      ? (files as readonly RawEntry[])
      : fileEntries(files as Record<string, string>);
    const tar = writeTar(entries);
    return { tar, blob: compression === 'gzip' ? gzipSync(tar) : tar };
  });
  const created = sample.created ?? '2024-01-01T00:00:00Z';
  const config: ImageConfig = {
    ...(sample.platform ?? hostPlatform()),
    created,
    config: sample.config ?? { Cmd: ['/file'] },
    rootfs: { type: 'layers', diff_ids: layers.map(({ tar }) => digestOf(tar)) },
    history: layers.map((_, i) => ({ created, created_by: `layer ${i}` })),
  };
  const configBytes = encodeJson(config);
  const manifestBytes = encodeJson({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: digestOf(configBytes), size: configBytes.length },
    layers: layers.map(({ blob }) => ({
      mediaType: layerMediaType(compression),
      digest: digestOf(blob),
      size: blob.length,
    })),
  });
  const platform = sample.platform ?? hostPlatform();
  const manifest = {
    mediaType: MediaType.ociManifest,
    digest: digestOf(manifestBytes),
    size: manifestBytes.length,
    platform,
  };
  return { config, configBytes, layers, manifestBytes, manifest };
}

function fileEntries(files: Readonly<Record<string, string>>): RawEntry[] {
  return Object.entries(files).map(([name, content]) => ({ name, type: '0', content }));
}

/** Puts an image into a store's content, without a name. */
export async function putParts(content: ContentStore, parts: SampleParts): Promise<Descriptor> {
  for (const { blob } of parts.layers) await content.put('application/octet-stream', blob);
  await content.put(MediaType.ociConfig, parts.configBytes);
  const { platform: _, ...descriptor } = parts.manifest;
  await content.put(descriptor.mediaType, parts.manifestBytes);
  return descriptor;
}

/** Puts an image into a store under names. */
export async function addImage(room: Room, names: readonly string[], sample: SampleImage = {}): Promise<SampleParts> {
  const parts = makeParts(sample);
  await room.images.recordImage(await putParts(room.content, parts), names);
  return parts;
}

/** Runs something that writes to a stream, and gives what it wrote. */
export async function collect(write: (output: Writable) => Promise<void>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const output = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(chunk);
      done();
    },
  });
  await write(output);
  return Buffer.concat(chunks);
}
