import type { Readable, Writable } from 'node:stream';
import type {
  HistoryRow,
  ImageInspection,
  ImageRecord,
  ImageSummary,
  ListOptions,
  LoadedImage,
  PruneImagesOptions,
  PulledImage,
  PullOptions,
  PushedImage,
  PushOptions,
  RemovedItem,
  SaveOptions,
  TaskOptions,
} from '../images/types.ts';
import type { Platform } from '../oci/index.ts';
import { withWorkspace } from '../workspace.ts';
import type { StoreOptions } from './options.ts';
import { EXISTING, READ } from './options.ts';
import { diskUsage } from './store.ts';

/** `docker pull`. */
export function pullImage(reference: string, options: PullOptions & StoreOptions = {}): Promise<PulledImage> {
  return withWorkspace(
    options.root,
    async (workspace) => {
      await workspace.sweep();
      return await workspace.images.pullImage(reference, options);
    },
    options,
  );
}

/** `docker push`. */
export function pushImage(reference: string, options: PushOptions & StoreOptions = {}): Promise<PushedImage> {
  return withWorkspace(options.root, ({ images }) => images.pushImage(reference, options), { ...EXISTING, ...options });
}

/** `docker images`, newest first. */
export function listImages(options: ListOptions & StoreOptions = {}): Promise<readonly ImageSummary[]> {
  return withWorkspace(options.root, ({ images }) => images.listImages(options), READ);
}

/** `docker tag`. */
export function tagImage(source: string, name: string, options: StoreOptions = {}): Promise<ImageRecord> {
  return withWorkspace(options.root, ({ images }) => images.tagImage(source, name), EXISTING);
}

/** `docker rmi`. */
export function removeImage(
  reference: string,
  options: { readonly force?: boolean } & StoreOptions = {},
): Promise<readonly RemovedItem[]> {
  return withWorkspace(options.root, ({ images }) => images.removeImage(reference, options), EXISTING);
}

/** What `pruneImages` did. */
export interface PrunedImages {
  readonly removed: readonly RemovedItem[];
  /** What the store takes less than before. */
  readonly bytes: number;
}

/** `docker image prune`: removes the images that lost their names; with `all` every image: there is no container that would keep one. */
export async function pruneImages(options: PruneImagesOptions & StoreOptions = {}): Promise<PrunedImages> {
  const before = (await diskUsage(options)).totalBytes;
  const removed = await withWorkspace(options.root, ({ images }) => images.pruneImages(options), EXISTING);
  return { removed, bytes: Math.max(0, before - (await diskUsage(options)).totalBytes) };
}

/** `docker image inspect`. */
export function inspectImage(
  reference: string,
  options: { readonly platform?: Platform } & StoreOptions = {},
): Promise<ImageInspection> {
  return withWorkspace(options.root, ({ images }) => images.inspectImage(reference, options.platform), READ);
}

/** `docker history`, newest entry first. */
export function imageHistory(
  reference: string,
  options: { readonly platform?: Platform } & StoreOptions = {},
): Promise<readonly HistoryRow[]> {
  return withWorkspace(options.root, ({ images }) => images.imageHistory(reference, options.platform), READ);
}

/** `docker save`; `output` is not ended. */
export function saveImages(
  references: readonly string[],
  output: Writable,
  options: SaveOptions & StoreOptions = {},
): Promise<void> {
  return withWorkspace(options.root, ({ images }) => images.saveImages(references, output, options), EXISTING);
}

/** `docker load`: archives of docker, skopeo, podman and tsbuild, compressed or not. */
export function loadImages(input: Readable, options: TaskOptions & StoreOptions = {}): Promise<readonly LoadedImage[]> {
  return withWorkspace(options.root, async (workspace) => {
    await workspace.sweep();
    return await workspace.images.loadImages(input, options);
  });
}
