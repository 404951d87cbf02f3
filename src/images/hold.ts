import { chainIDs, type Descriptor, type Digest, isConfigType, isIndexType, isManifestType } from '../oci/index.ts';
import type { ImageContext } from './context.ts';
import { imageNotFound } from './errors.ts';
import { childrenInStore, readConfig } from './graph.ts';
import { type FoundImage, findImage, requireImage } from './names/find.ts';
import type { ResolvedImage } from './types.ts';

type HoldContext = Pick<ImageContext, 'store' | 'content' | 'chains' | 'records'>;

/** Finds an image and holds all that the store has of it, so that none of it is collected meanwhile. Throws `IMAGE_NOT_FOUND`. */
export async function takeImage(context: HoldContext, text: string): Promise<FoundImage> {
  const found = requireImage(context.records, text);
  await holdTarget(context, found.record.target);
  // Removed before it was held: then some of it may be gone.
  if (findImage(context.records, text) === undefined) throw imageNotFound(text);
  return found;
}

/** Holds what a target reaches: blobs, and the snapshots of built layers that have no blob yet. */
async function holdTarget(context: HoldContext, target: Descriptor): Promise<void> {
  const { mediaType, digest } = target;
  if ((await context.content.claim(digest)) === undefined) return;
  if (isConfigType(mediaType)) await holdTrees(context, digest);
  if (!isManifestType(mediaType) && !isIndexType(mediaType)) return;
  const children = await childrenInStore(context.content, target);
  await context.store.hold(children.map((child) => child.digest));
  for (const child of children) await holdTarget(context, child);
}

async function holdTrees(context: HoldContext, config: Digest): Promise<void> {
  const top = chainIDs((await readConfig(context.content, config)).rootfs.diff_ids).at(-1);
  if (top !== undefined) await context.chains.claim(top);
}

/** Holds what was resolved in the store, in one go. False when some of its metadata has gone since it was read. */
export async function holdResolved(context: HoldContext, image: ResolvedImage): Promise<boolean> {
  const { target, manifest, configDigest, config } = image;
  const metadata = [target.digest, configDigest, ...(manifest === undefined ? [] : [manifest.descriptor.digest])];
  const layers = manifest?.content.layers.map(({ digest }) => digest) ?? [];
  const top = chainIDs(config.rootfs.diff_ids).at(-1);
  const tree = top === undefined ? undefined : context.chains.find(top);
  await context.store.hold([...metadata, ...layers, ...(tree === undefined ? [] : [tree])]);
  return metadata.every((digest) => context.content.stat(digest) !== undefined);
}
