import { rmSync } from 'node:fs';
import type { LayerBlob } from '../../content/index.ts';
import { isNativeError } from '../../native/errors.ts';
import {
  type Compression,
  chainIDs,
  type Descriptor,
  type Digest,
  encodeJson,
  isConfigType,
  layerCompression,
  layerMediaType,
  type Manifest,
  MediaType,
} from '../../oci/index.ts';
import { type PackedLayer, packSnapshot } from '../../snapshot/differ.ts';
import { writeFailed } from '../../store/errors.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ImageContext } from '../context.ts';
import { layerChanged, layerLost } from '../errors.ts';
import { readConfig } from '../graph.ts';
import type { ImageRecord, MaterializeOptions, PackedSnapshot, PackImageOptions } from '../types.ts';

/** Layers packed at once; each uses several cores of its own. */
const MAX_PARALLEL_PACKS = 3;

/** `ImageStore.packImage`: a manifest for a built image, its layers packed where they have no blob yet. */
export async function packImage(
  context: ImageContext,
  config: Descriptor,
  options: PackImageOptions,
): Promise<Descriptor> {
  const diffIDs = (await readConfig(context.content, config.digest)).rootfs.diff_ids;
  const chains = chainIDs(diffIDs);
  const packs = new Map<Digest, Promise<LayerBlob>>();
  const layers = await mapConcurrently(diffIDs, MAX_PARALLEL_PACKS, (diffID, i) => {
    const chainID = chains[i] ?? diffID;
    // A layer without a snapshot (of a squashed image) stays in the form that it has.
    const wanted = context.chains.find(chainID) === undefined ? undefined : options.compression;
    const make = async (): Promise<LayerBlob> =>
      findListed(options, diffID, wanted) ??
      (await findBlob(context, diffID, options.compression)) ??
      (await findBlob(context, diffID, wanted)) ??
      (await packLayer(context, config.digest, diffID, chainID, options));
    // The same layer may come twice in one image: an empty one does.
    const made = packs.get(diffID) ?? make();
    packs.set(diffID, made);
    return made;
  });
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: config.digest, size: config.size },
    layers: layers.map(({ digest, size, compression }) => ({ mediaType: layerMediaType(compression), digest, size })),
    ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
  };
  return context.content.put(MediaType.ociManifest, encodeJson(manifest));
}

/** `ImageStore.materialize`. */
export async function materializeRecord(
  context: ImageContext,
  record: ImageRecord,
  options: MaterializeOptions,
): Promise<ImageRecord> {
  if (!isConfigType(record.target.mediaType)) return record;
  const manifest = await packImage(context, record.target, options);
  await context.records.retarget(record.imageID, manifest);
  return { ...record, target: manifest };
}

/** The blob by which the layer came; in another form only where there is a snapshot to make one of. */
function findListed(
  { listed }: PackImageOptions,
  diffID: Digest,
  wanted: Compression | undefined,
): LayerBlob | undefined {
  const descriptor = listed?.get(diffID);
  const compression = descriptor && layerCompression(descriptor.mediaType);
  if (descriptor === undefined || compression === undefined) return undefined;
  if (wanted !== undefined && wanted !== compression) return undefined;
  const { digest, size, mediaType } = descriptor;
  return { digest, size, mediaType, compression };
}

/** A blob that the layer has (`ImageStore.findLayerBlob`): in the store, or in a repository that was seen to have it. */
export async function findBlob(
  { content, layerBlobs, sources }: ImageContext,
  diffID: Digest,
  wanted: Compression | undefined,
): Promise<LayerBlob | undefined> {
  const fits = (blob: LayerBlob): boolean => wanted === undefined || blob.compression === wanted;
  for (const blob of layerBlobs.known(diffID))
    if (fits(blob) && (await content.claim(blob.digest))?.size === blob.size) return blob;
  return layerBlobs.known(diffID).find((blob) => fits(blob) && sources.repositories(blob.digest).length > 0);
}

async function packLayer(
  context: ImageContext,
  imageID: Digest,
  diffID: Digest,
  chainID: Digest,
  options: MaterializeOptions,
): Promise<LayerBlob> {
  const snapshot = await context.chains.claim(chainID);
  if (snapshot === undefined) throw layerLost(imageID, diffID);
  const task = `exporting layer ${diffID}`;
  options.onTask?.(task, 0, 0);
  const packed = await packSnapshotBlob(context, snapshot, options);
  if (packed.diffID !== diffID) throw layerChanged(snapshot, diffID, packed.diffID);
  options.onTask?.(task, 0, 0, true);
  return packed.blob;
}

/** `ImageStore.packSnapshot`: packs a snapshot's layer into a blob, which its diffID is then known to have. */
export function packSnapshotBlob(
  context: ImageContext,
  snapshot: string,
  options: MaterializeOptions,
): Promise<PackedSnapshot> {
  const { level } = options;
  return packBlob(context, options, (output, compression) =>
    packSnapshot(context, snapshot, { compression, output, ...(level === undefined ? {} : { level }) }),
  );
}

/** Keeps what `pack` writes as a blob that the layer has. */
export async function packBlob(
  context: ImageContext,
  { compression = 'gzip', signal }: MaterializeOptions,
  pack: (output: string, compression: Compression) => Promise<PackedLayer>,
): Promise<PackedSnapshot> {
  signal?.throwIfAborted();
  const output = await context.content.temporaryPath();
  const packed = await pack(output, compression).catch((error: unknown) => {
    rmSync(output, { force: true });
    throw isNativeError(error) ? writeFailed(output, error) : error;
  });
  const { digest, size, diffID, contentSize } = packed;
  await context.content.adopt(output, { digest, size });
  const blob: LayerBlob = { digest, size, compression, mediaType: layerMediaType(compression), contentSize };
  await context.layerBlobs.record(diffID, blob);
  return { diffID, blob };
}
