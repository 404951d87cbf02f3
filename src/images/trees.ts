import { errorMessage } from '../errors.ts';
import type { LayersResult, MergedResult, TreeResult } from '../llb/results.ts';
import { chainIDs } from '../oci/index.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import { cacheLayerLost } from './errors.ts';
import type { ImageStore, TaskOptions, Trees } from './types.ts';

/** Fetches and unpacks what is known by its layers only; each tree once, however many steps ask for it at the same time. */
export function createTrees(
  images: Pick<ImageStore, 'unpackLayers' | 'fetchLayers' | 'recordSources'>,
  snapshotter: Pick<Snapshotter, 'chain' | 'link'>,
): Trees {
  const running = new Map<string, Promise<string>>();

  const unpack = (tree: LayersResult, options: TaskOptions): Promise<string> => {
    const key = chainIDs(tree.layers.map(({ diffID }) => diffID)).at(-1) ?? '';
    const known = running.get(key);
    if (known !== undefined) return known;
    const { onTask = options.onTask } = tree.place;
    const started = images
      .unpackLayers(tree, { ...options, ...(onTask === undefined ? {} : { onTask }) })
      .catch((error: unknown) => tellLost(tree, error, options.signal))
      .finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };

  const merge = async ({ parts }: MergedResult, options: TaskOptions): Promise<string | undefined> => {
    const names = await Promise.all(parts.map((part) => snapshotOf(part, options)));
    let top: string | undefined;
    for (const name of names) {
      if (name === undefined) continue;
      if (top === undefined) top = name;
      else for (const layer of snapshotter.chain(name)) top = (await snapshotter.link(top, layer)).name;
    }
    return top;
  };

  const snapshotOf = async (tree: TreeResult, options: TaskOptions): Promise<string | undefined> => {
    if (tree.kind === 'snapshot') return tree.name;
    return tree.kind === 'layers' ? unpack(tree, options) : merge(tree, options);
  };

  const fetch = async (tree: TreeResult, scope: 'all' | 'unreachable', options: TaskOptions): Promise<void> => {
    if (tree.kind === 'merged') for (const part of tree.parts) await fetch(part, scope, options);
    if (tree.kind !== 'layers') return;
    const { repository } = tree.place;
    if (scope === 'unreachable' && repository !== undefined) {
      await images.recordSources(
        tree.layers.map(({ blob }) => blob.digest),
        repository,
      );
      return;
    }
    await images.fetchLayers(tree, options).catch((error: unknown) => tellLost(tree, error, options.signal));
  };

  return { snapshotOf, fetch };
}

/** What a cache has lost is made anew; what an image has lost is missing. */
function tellLost({ place }: LayersResult, error: unknown, signal: AbortSignal | undefined): never {
  signal?.throwIfAborted();
  if (place.onLost === undefined) throw error;
  place.onLost(errorMessage(error));
  throw cacheLayerLost(place.name, error);
}
