import { errorMessage, TsbuildError } from '../../errors.ts';
import type { LayerPlace, LayersResult, MergedResult, TreeResult } from '../../llb/results.ts';
import { chainIDs, type Digest, digestOf } from '../../oci/index.ts';
import type { Snapshotter } from '../../snapshot/snapshotter.ts';
import type { Claims } from '../../solver/types.ts';
import { cacheLayerLost } from '../errors.ts';
import type { ImageStore, TaskOptions, Trees } from '../types.ts';

/**
 * Fetches and unpacks what is known by its layers only; each tree once, however many steps ask for it at the same time, in other
 * processes too.
 */
export function createTrees(
  images: Pick<ImageStore, 'unpackLayers' | 'fetchLayers' | 'recordSources'>,
  snapshotter: Pick<Snapshotter, 'chain' | 'link'>,
  claims: Pick<Claims, 'take'>,
): Trees {
  const running = new Map<string, Promise<string>>();

  const unpack = (tree: LayersResult, options: TaskOptions): Promise<string> => {
    const key = chainIDs(tree.layers.map(({ diffID }) => diffID)).at(-1) ?? '';
    const known = running.get(key);
    if (known !== undefined) return known;
    const { onTask = options.onTask } = tree.place;
    const started = unpackOnce(key, tree, { ...options, ...(onTask === undefined ? {} : { onTask }) })
      .catch((error: unknown) => tellLost(tree.place, error, options.signal))
      .finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };

  /** Whoever has the claim waits for nobody but servers. What was unpacked meanwhile is found. */
  const unpackOnce = async (key: string, tree: LayersResult, options: TaskOptions): Promise<string> => {
    const signal = options.signal ?? new AbortController().signal;
    const waiting = `waiting for another build that unpacks ${tree.place.name}`;
    let isShown = false;
    const claim = await claims.take(digestOf(`unpack ${key}`), signal, () => {
      if (!isShown) options.onTask?.(waiting, 0, 0);
      isShown = true;
    });
    if (isShown) options.onTask?.(waiting, 0, 0, true);
    try {
      return await images.unpackLayers(tree, options);
    } finally {
      claim.release();
    }
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
    await images.fetchLayers(tree, options).catch((error: unknown) => tellLost(tree.place, error, options.signal));
  };

  const checkLost = (tree: TreeResult, error: unknown, signal: AbortSignal | undefined): void => {
    if (tree.kind === 'merged') for (const part of tree.parts) checkLost(part, error, signal);
    if (tree.kind !== 'layers') return;
    checkLostBlob((digest) => tree.layers.some(({ blob }) => blob.digest === digest) && tree.place, error, signal);
  };

  return { snapshotOf, fetch, checkLost };
}

/** Throws `CACHE_LAYER_LOST` where a transfer failed for a blob that was to come from a cache. */
export function checkLostBlob(
  placeOf: (digest: Digest) => LayerPlace | false | undefined,
  error: unknown,
  signal: AbortSignal | undefined,
): void {
  const { digest, side } = error instanceof TsbuildError ? error.details : {};
  const place = side === 'source' && placeOf(digest as Digest);
  if (place && place.onLost !== undefined) tellLost(place, error, signal);
}

/** What a cache has lost is made anew; what an image has lost is missing. */
function tellLost(place: LayerPlace, error: unknown, signal: AbortSignal | undefined): never {
  signal?.throwIfAborted();
  if (place.onLost === undefined) throw error;
  place.onLost(errorMessage(error));
  throw cacheLayerLost(place.name, error);
}
