import {
  chainIDs,
  type Descriptor,
  type Digest,
  type ImageConfig,
  type Manifest,
  type Platform,
} from '../oci/index.ts';
import type { ImageContext } from './context.ts';
import { configPlatform, localManifest, readConfig, readManifest } from './graph.ts';
import type { ImageRecord } from './types.ts';

/** One image of the store, its metadata read. */
export interface ImageDetails {
  readonly imageID: Digest;
  /** What its names point to. */
  readonly target: Descriptor;
  readonly config: ImageConfig;
  readonly manifest: Manifest | undefined;
  readonly platform: Platform;
  /** One for each diffID: bytes of the layer's files where known, as docker shows them; of its tar or blob otherwise. */
  readonly layerSizes: readonly number[];
}

export type DetailsContext = Pick<ImageContext, 'content' | 'records' | 'snapshotter' | 'chains' | 'layerBlobs'>;

/** Reads an image's metadata; `undefined` when it is no container image or its metadata is not in the store. */
export async function readDetails(
  context: DetailsContext,
  record: ImageRecord,
  platform?: Platform,
): Promise<ImageDetails | undefined> {
  const { content } = context;
  try {
    const { imageID, manifest } = await chooseImage(context, record, platform);
    if (content.stat(imageID) === undefined) return undefined;
    const config = await readConfig(content, imageID);
    return {
      imageID,
      target: record.target,
      config,
      manifest,
      platform: configPlatform(config),
      layerSizes: measureLayers(context, config, manifest),
    };
  } catch {
    // Damaged metadata of one image must not hide the others; whoever uses the image is told.
    return undefined;
  }
}

async function chooseImage(
  { content }: DetailsContext,
  record: ImageRecord,
  platform: Platform | undefined,
): Promise<{ imageID: Digest; manifest: Manifest | undefined }> {
  const host = platform ?? (await platformOf(content, record.imageID));
  const descriptor = host === undefined ? undefined : await localManifest(content, record.target, host);
  if (descriptor === undefined) return { imageID: record.imageID, manifest: undefined };
  const manifest = await readManifest(content, descriptor.digest);
  return { imageID: manifest.config.digest, manifest };
}

async function platformOf(content: DetailsContext['content'], config: Digest): Promise<Platform | undefined> {
  return content.stat(config) === undefined ? undefined : configPlatform(await readConfig(content, config));
}

function measureLayers(
  { snapshotter, chains, layerBlobs }: DetailsContext,
  config: ImageConfig,
  manifest: Manifest | undefined,
): readonly number[] {
  const diffIDs = config.rootfs.diff_ids;
  return chainIDs(diffIDs).map((chainID, i) => {
    const snapshot = chains.find(chainID);
    const info = snapshot === undefined ? undefined : snapshotter.stat(snapshot);
    // An empty tar still has its end marks.
    const unpacked = info?.emptyLayer ? 0 : (info?.contentSize ?? info?.diffSize);
    const diffID = diffIDs[i];
    const blobs = diffID === undefined ? [] : layerBlobs.known(diffID);
    const measured = unpacked ?? blobs.find(({ contentSize }) => contentSize !== undefined)?.contentSize;
    return measured ?? manifest?.layers[i]?.size ?? blobs[0]?.size ?? 0;
  });
}

/** Milliseconds of an RFC 3339 time; `undefined` for none or nonsense. */
export function parseTime(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
