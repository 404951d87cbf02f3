import { errorCode } from '../errors.ts';
import { chainIDs, type Digest, isDigest } from '../oci/index.ts';
import type { SnapshotInfo } from '../snapshot/snapshotter.ts';
import type { ImageContext } from './context.ts';
import { readConfig, walkGraph } from './graph.ts';
import type { CollectedGarbage } from './types.ts';

export type CollectionContext = Pick<
  ImageContext,
  'store' | 'content' | 'snapshotter' | 'records' | 'layerBlobs' | 'sources'
>;

/**
 * Removes what no image reaches: blobs, and snapshots of pulled layers. What a build made belongs to the build cache and is left
 * alone, and so is everything that it stands on. Skipped (`undefined`) while others read or add content.
 */
export async function collectGarbage(context: CollectionContext): Promise<CollectedGarbage | undefined> {
  const lock = await context.store.lock('gc', { exclusive: true, wait: false });
  if (lock === undefined) return undefined;
  try {
    const reached = await findReached(context);
    const { digests: blobs, bytes } = await removeBlobs(context, reached.blobs);
    const snapshots = await removeSnapshots(context, reached.chains);
    return { blobs, snapshots, bytes };
  } finally {
    lock.release();
  }
}

interface Reached {
  readonly blobs: ReadonlySet<Digest>;
  readonly chains: ReadonlySet<Digest>;
}

async function findReached(context: CollectionContext): Promise<Reached> {
  const blobs = new Set<Digest>();
  const configs = new Set<Digest>();
  for (const { target } of context.records.all())
    await walkGraph(context.content, target, blobs, (config) => configs.add(config));
  const chains = new Set<Digest>();
  for (const config of configs) {
    const diffIDs = await readDiffIDs(context, config);
    for (const chainID of chainIDs(diffIDs)) chains.add(chainID);
    // A built image has no manifest yet that would name the blobs of its base's layers.
    for (const diffID of diffIDs) for (const { digest } of context.layerBlobs.known(diffID)) blobs.add(digest);
  }
  return { blobs, chains };
}

async function readDiffIDs({ content }: CollectionContext, config: Digest): Promise<readonly Digest[]> {
  if (content.stat(config) === undefined) return [];
  try {
    return (await readConfig(content, config)).rootfs.diff_ids;
  } catch {
    return [];
  }
}

async function removeBlobs(
  context: CollectionContext,
  reached: ReadonlySet<Digest>,
): Promise<{ readonly digests: readonly Digest[]; readonly bytes: number }> {
  const unreached = [...context.content.list()].filter(({ digest }) => !reached.has(digest));
  for (const { digest } of unreached) {
    await context.content.delete(digest);
    await context.sources.remove(digest);
  }
  if (unreached.length > 0) await context.layerBlobs.prune();
  return { digests: unreached.map(({ digest }) => digest), bytes: unreached.reduce((sum, { size }) => sum + size, 0) };
}

/** From the top of each stack downwards: a snapshot goes once nothing stands on it. */
async function removeSnapshots(
  { snapshotter }: CollectionContext,
  reached: ReadonlySet<Digest>,
): Promise<readonly Digest[]> {
  const snapshots = new Map(snapshotter.list().map((info) => [info.name, info]));
  const children = new Map<string, number>();
  for (const { parent } of snapshots.values())
    if (parent !== undefined) children.set(parent, (children.get(parent) ?? 0) + 1);
  const removed: Digest[] = [];
  const queue = [...snapshots.values()];
  for (let info = queue.pop(); info !== undefined; info = queue.pop()) {
    const { name, parent } = info;
    if (!isDigest(name) || reached.has(name) || (children.get(name) ?? 0) > 0) continue;
    if (!(await removeUnused(snapshotter, info))) continue;
    removed.push(name);
    const below = parent === undefined ? undefined : snapshots.get(parent);
    if (below === undefined) continue;
    children.set(below.name, (children.get(below.name) ?? 1) - 1);
    queue.push(below);
  }
  return removed;
}

/** False when somebody stands on it after all. */
async function removeUnused(snapshotter: CollectionContext['snapshotter'], { name }: SnapshotInfo): Promise<boolean> {
  try {
    await snapshotter.remove(name);
    return true;
  } catch (error) {
    if (errorCode(error) === 'SNAPSHOT_IN_USE') return false;
    throw error;
  }
}
