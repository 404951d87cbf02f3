import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createLayerBlobs, IMAGE_NAME_ANNOTATION } from '../../content/index.ts';
import { childrenInStore, imageIDOf, readConfig, readManifest } from '../../images/graph.ts';
import { proveLayer } from '../../images/layers/prove.ts';
import { createImageRecords } from '../../images/names/records.ts';
import type { ImageRecord } from '../../images/types.ts';
import type { NativeApi } from '../../native/types.ts';
import { chainIDs, type Descriptor, type Digest, isConfigType, isManifestType } from '../../oci/index.ts';
import { diffSnapshot } from '../../snapshot/differ.ts';
import { LINK_NAMES } from '../../snapshot/overlay/active.ts';
import { openRecords, type SnapshotRecord } from '../../snapshot/overlay/records.ts';
import type { UpkeepContext, UpkeepNative } from '../types.ts';
import { readLink } from './links.ts';

export interface RebuiltTables {
  readonly snapshots: number;
  readonly images: readonly string[];
}

type RebuildNative = UpkeepNative & Pick<NativeApi, 'digestLayer'>;

/**
 * Fills empty tables from what lies on disk: snapshots from their directories, which say what they stand on; images from the copy of their
 * records, or from `index.json`; which blob is which layer from manifests, where the bytes say the same. Of built images, whose layers are only snapshots, each layer is
 * packed again to learn which it is. What the build cache remembered is lost: steps run again.
 */
export async function rebuildTables(
  context: UpkeepContext,
  native: RebuildNative,
  onProgress?: (what: string, current: number, total: number) => void,
): Promise<RebuiltTables> {
  const snapshots = await rebuildSnapshots(context);
  const images = await rebuildImages(context);
  await rebuildLayerBlobs(context, native);
  await rebuildChains(context, native, onProgress);
  return { snapshots, images };
}

async function rebuildSnapshots({ store }: UpkeepContext): Promise<number> {
  const records = openRecords(store);
  const writes: Promise<void>[] = [];
  for (const entry of readdirSync(store.paths.snapshots)) {
    if (/^(?:active|removed)-/.test(entry)) continue;
    const root = join(store.paths.snapshots, entry);
    const status = lstatSync(join(root, 'fs'), { throwIfNoEntry: false });
    if (!status?.isDirectory()) continue;
    const changesOf = readLink(join(root, LINK_NAMES.changesOf));
    const record: SnapshotRecord = {
      parent: readLink(join(root, LINK_NAMES.parent)) ?? null,
      createdMs: Math.round(lstatSync(root).ctimeMs),
      // As if it had just been written: another crash would make it doubtful.
      unsettledBoot: records.boot(),
      ...(changesOf === undefined ? {} : { changesOf }),
    };
    writes.push(records.table.put(entry.replace(/^([a-z0-9]+)-(?=[0-9a-f]{64}$)/, '$1:'), record));
  }
  await Promise.all(writes);
  return writes.length;
}

async function rebuildImages({ store, content }: UpkeepContext): Promise<readonly string[]> {
  const known = new Map<string, ImageRecord>();
  for (const descriptor of readIndexFile(join(store.paths.root, 'index.json'))) {
    const name = descriptor.annotations?.[IMAGE_NAME_ANNOTATION];
    if (name === undefined) continue;
    const { annotations: _, ...target } = descriptor;
    const imageID = await imageIDOf(content, target).catch(() => undefined);
    if (imageID !== undefined) known.set(name, { name, target, imageID, createdMs: Date.now() });
  }
  // It knows more: images that no index can list.
  for (const record of readCopy(join(store.paths.meta, 'images.json'))) known.set(record.name, record);
  const found = [...known.values()].filter(({ target }) => content.stat(target.digest) !== undefined);
  await Promise.all(found.map((record) => store.table<ImageRecord>('images').put(record.name, record)));
  await createImageRecords(store, content).refresh();
  return found.map(({ name }) => name);
}

function readIndexFile(path: string): readonly Descriptor[] {
  try {
    const { manifests } = JSON.parse(readFileSync(path, 'utf8')) as { manifests?: unknown };
    return Array.isArray(manifests)
      ? (manifests as Descriptor[]).filter(({ digest }) => typeof digest === 'string')
      : [];
  } catch {
    return [];
  }
}

function readCopy(path: string): readonly ImageRecord[] {
  try {
    const records = JSON.parse(readFileSync(path, 'utf8')) as unknown;
    return Array.isArray(records)
      ? (records as ImageRecord[]).filter(({ name, target }) => name && target?.digest)
      : [];
  } catch {
    return [];
  }
}

/** The manifests of all images that are here, indexes looked into. */
async function listManifests({ store, content }: UpkeepContext): Promise<readonly Descriptor[]> {
  const queue = [...createImageRecords(store, content).all()].map(({ target }) => target);
  const found = new Map<Digest, Descriptor>();
  for (let target = queue.pop(); target !== undefined; target = queue.pop()) {
    if (found.has(target.digest) || content.stat(target.digest) === undefined) continue;
    found.set(target.digest, target);
    if (!isManifestType(target.mediaType)) queue.push(...(await childrenInStore(content, target).catch(() => [])));
  }
  return [...found.values()];
}

/** What is recorded is believed, so it is proved first: a manifest may be of an image that nobody has unpacked. */
async function rebuildLayerBlobs(context: UpkeepContext, native: RebuildNative): Promise<void> {
  const { store, content } = context;
  const proof = { content, native, layerBlobs: createLayerBlobs(store, content) };
  for (const target of await listManifests(context)) {
    if (!isManifestType(target.mediaType)) continue;
    try {
      const manifest = await readManifest(content, target.digest);
      const { diff_ids: diffIDs } = (await readConfig(content, manifest.config.digest)).rootfs;
      for (const [i, blob] of manifest.layers.entries()) {
        const diffID = diffIDs[i];
        if (diffID === undefined || content.stat(blob.digest) === undefined) continue;
        // Of one that is another's, nothing is remembered.
        await proveLayer(proof, { diffID, blob }, target.digest).catch(() => undefined);
      }
    } catch {
      // Damaged: the check says so.
    }
  }
}

/**
 * Which snapshots have the layers of images. A pulled layer's has the name of its stack, and its diffID is the config's: its tar was not
 * packed here. Of one that a build made both are learnt by packing it.
 */
async function rebuildChains(
  context: UpkeepContext,
  native: UpkeepNative,
  onProgress: ((what: string, current: number, total: number) => void) | undefined,
): Promise<void> {
  const { snapshotter, chains } = context;
  const layers = await listLayers(context);
  const known = new Map<string, Digest>();
  const all = snapshotter.list();
  for (const [i, { name }] of all.entries()) {
    onProgress?.('learning which snapshot is which layer', i, all.length);
    try {
      for (const each of snapshotter.chain(name)) if (!known.has(each)) known.set(each, await learn(each));
    } catch {
      // It stands on what is gone.
    }
  }

  async function learn(name: string): Promise<Digest> {
    const pulled = layers.get(name);
    if (pulled !== undefined) {
      const { diffSize, contentSize } = await native.packLayer({ ...snapshotter.changes(name), compression: 'none' });
      await snapshotter.annotate(name, { diffID: pulled, diffSize, contentSize });
      return name as Digest;
    }
    const { diffID } = await diffSnapshot({ snapshotter, native }, name);
    const parent = snapshotter.stat(name)?.parent;
    const below = parent === undefined ? undefined : known.get(parent);
    const chainID = (below === undefined ? [diffID] : chainIDs([below, diffID])).at(-1) ?? diffID;
    if (layers.has(chainID)) await chains.record(chainID, name);
    return chainID;
  }
}

/** The stacks of all images' layers, with the diffID of the topmost. */
export async function listLayers(context: UpkeepContext): Promise<ReadonlyMap<string, Digest>> {
  const layers = new Map<string, Digest>();
  for (const { digest, mediaType } of await listManifests(context)) {
    if (!isConfigType(mediaType)) continue;
    const diffIDs = await readConfig(context.content, digest).then(
      ({ rootfs }) => rootfs.diff_ids,
      () => [],
    );
    for (const [i, chainID] of chainIDs(diffIDs).entries()) layers.set(chainID, diffIDs[i] ?? chainID);
  }
  return layers;
}
