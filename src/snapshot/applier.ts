import { availableParallelism } from 'node:os';
import { createLimiter } from '../content/limiter.ts';
import type { NativeApi } from '../native/types.ts';
import type { Compression, Digest } from '../oci/index.ts';
import type { Chains } from './chains.ts';
import type { ActiveSnapshot, Snapshotter } from './snapshotter.ts';

export interface ApplierContext {
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly native: Pick<NativeApi, 'unpackLayer'>;
}

/** One layer of an image, bottom first in a list. */
export interface LayerToApply {
  readonly diffID: Digest;
  readonly chainID: Digest;
  /** Resolves when the blob is in the content store. Called only for a layer that has no snapshot yet. */
  readonly blob: () => Promise<{ readonly path: string; readonly compression: Compression | 'auto' }>;
  readonly onUnpack?: (state: 'started' | 'done', bytes: number) => void;
}

/**
 * Makes an image's layers into snapshots, named by chainID, and gives the name of the topmost one (`undefined` for no layers). All
 * layers are unpacked at once, each as soon as its blob is there and on nothing; the few that lean on what is below them
 * (a hardlink to a lower file, a parent directory that they do not describe) are unpacked again on top of it.
 */
export async function applyLayers(
  context: ApplierContext,
  layers: readonly LayerToApply[],
  signal?: AbortSignal,
): Promise<string | undefined> {
  const unpacking = createLimiter(Math.max(2, availableParallelism()));
  let below: Promise<string | undefined> = Promise.resolve(undefined);
  const all: Promise<unknown>[] = [];
  const present = await Promise.all(layers.map(({ chainID }) => context.chains.claim(chainID)));
  for (const [i, layer] of layers.entries()) {
    const found = present[i];
    if (found !== undefined) {
      below = Promise.resolve(found);
      continue;
    }
    const parent = below;
    // The download starts now, the unpacking when it is there and a core is free.
    const blob = layer.blob();
    const bottom = layer === layers[0];
    const loose = blob.then((ready) => unpacking.run(() => unpackLoose(context, layer, ready, bottom, signal)));
    below = settle(context, layer, loose, parent);
    all.push(below);
  }
  // Every layer is waited for, so that nothing still writes when an error is reported.
  const failed = (await Promise.allSettled(all)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  signal?.throwIfAborted();
  return await below;
}

interface LooseLayer {
  readonly active: ActiveSnapshot;
  readonly blob: { readonly path: string; readonly compression: Compression | 'auto' };
  readonly needsLowers: boolean;
  readonly hasRoot: boolean;
  readonly diffSize: number;
  readonly contentSize: number;
}

async function unpackLoose(
  { snapshotter, native }: ApplierContext,
  layer: LayerToApply,
  blob: LooseLayer['blob'],
  bottom: boolean,
  signal: AbortSignal | undefined,
): Promise<LooseLayer> {
  signal?.throwIfAborted();
  const active = await snapshotter.prepare(undefined);
  layer.onUnpack?.('started', 0);
  try {
    const { needsLowers, hasRoot, diffSize, contentSize } = await native.unpackLayer({
      blob: blob.path,
      compression: blob.compression,
      target: active.mount.upper ?? '',
      ...(bottom ? { lowers: [] } : {}),
      expectedDiffID: layer.diffID,
    });
    return { active, blob, needsLowers, hasRoot, diffSize, contentSize };
  } catch (error) {
    await active.remove();
    throw error;
  }
}

/** Puts an unpacked layer on what it stands on. */
async function settle(
  { snapshotter, native }: ApplierContext,
  layer: LayerToApply,
  unpacked: Promise<LooseLayer>,
  below: Promise<string | undefined>,
): Promise<string> {
  const [loose, parent] = await bothOrClean(unpacked, below);
  let { active, contentSize } = loose;
  try {
    if (loose.needsLowers && parent !== undefined) {
      await active.remove();
      active = await snapshotter.prepare(parent);
      const whole = await native.unpackLayer({
        blob: loose.blob.path,
        compression: loose.blob.compression,
        target: active.mount.upper ?? '',
        lowers: active.mount.lowers,
        expectedDiffID: layer.diffID,
      });
      contentSize = whole.contentSize;
    }
    const late = parent === undefined ? undefined : { parent, keepsRoot: loose.hasRoot };
    const { name } = await active.commit(layer.chainID, late);
    await snapshotter.annotate(name, { diffID: layer.diffID, diffSize: loose.diffSize, contentSize });
    layer.onUnpack?.('done', loose.diffSize);
    return name;
  } catch (error) {
    await active.remove();
    throw error;
  }
}

/** Waits for both; when the parent failed, the layer that was unpacked for it is dropped. */
async function bothOrClean(
  unpacked: Promise<LooseLayer>,
  below: Promise<string | undefined>,
): Promise<[LooseLayer, string | undefined]> {
  const [layer, parent] = await Promise.allSettled([unpacked, below]);
  if (layer.status === 'rejected') throw layer.reason;
  if (parent.status === 'rejected') {
    await layer.value.active.remove();
    throw parent.reason;
  }
  return [layer.value, parent.value];
}
