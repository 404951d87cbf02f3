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
 * Removes what no image reaches and nobody holds: blobs, and snapshots of pulled layers. What a build made belongs to the build cache
 * and is left alone, and so is everything that it stands on. `undefined` when another collection keeps the store too long.
 */
export async function collectGarbage(context: CollectionContext): Promise<CollectedGarbage | undefined> {
  const { store, content, snapshotter } = context;
  const retired = await store.collect(
    async (held) => {
      const reached = await findReached(context);
      const blobs = [...content.list()].filter(({ digest }) => !reached.blobs.has(digest) && !held.has(digest));
      const snapshots = chooseSnapshots(context, reached.chains, held);
      const removeTrees = await snapshotter.retire(snapshots);
      const removeFiles = await content.retire(blobs.map(({ digest }) => digest));
      return { blobs, snapshots, removeTrees, removeFiles };
    },
    // Whoever removes an image, or throws away what was half loaded, needs nothing of it any more.
    { ignoresOwn: true },
  );
  if (retired === undefined) return undefined;
  const { blobs, snapshots } = retired;
  await Promise.all([retired.removeTrees(), retired.removeFiles(), forgetBlobs(context, blobs)]);
  return {
    blobs: blobs.map(({ digest }) => digest),
    snapshots,
    bytes: blobs.reduce((sum, { size }) => sum + size, 0),
  };
}

/** What is known about blobs that are gone. */
async function forgetBlobs(
  { sources, layerBlobs }: CollectionContext,
  blobs: readonly { readonly digest: Digest }[],
): Promise<void> {
  if (blobs.length === 0) return;
  await Promise.all([...blobs.map(({ digest }) => sources.remove(digest)), layerBlobs.prune()]);
}

/** What images reach. */
interface Reached {
  readonly blobs: ReadonlySet<Digest>;
  readonly chains: ReadonlySet<Digest>;
}

async function findReached(context: Pick<CollectionContext, 'content' | 'records' | 'layerBlobs'>): Promise<Reached> {
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

async function readDiffIDs(
  { content }: Pick<CollectionContext, 'content'>,
  config: Digest,
): Promise<readonly Digest[]> {
  if (content.stat(config) === undefined) return [];
  try {
    return (await readConfig(content, config)).rootfs.diff_ids;
  } catch {
    return [];
  }
}

/** From the top of each stack downwards: a snapshot goes once nothing stands on it. */
function chooseSnapshots(
  { snapshotter, store }: CollectionContext,
  reached: ReadonlySet<Digest>,
  held: ReadonlySet<string>,
): readonly Digest[] {
  const snapshots = new Map(snapshotter.list().map((info) => [info.name, info]));
  const users = new Map<string, number>();
  const belowOf = ({ parent, changesOf }: SnapshotInfo): readonly string[] =>
    [parent, changesOf].filter((name) => name !== undefined);
  for (const info of snapshots.values()) for (const name of belowOf(info)) users.set(name, (users.get(name) ?? 0) + 1);
  const cached = new Set(
    [...store.table<{ readonly snapshots?: readonly (string | null)[] }>('cache-records').entries()].flatMap(
      ({ value }) => value.snapshots ?? [],
    ),
  );
  const going = new Set<Digest>();
  const queue = [...snapshots.values()];
  for (let info = queue.pop(); info !== undefined; info = queue.pop()) {
    const { name } = info;
    if (!isDigest(name) || reached.has(name) || held.has(name) || cached.has(name)) continue;
    if ((users.get(name) ?? 0) > 0 || going.has(name)) continue;
    going.add(name);
    for (const below of belowOf(info)) {
      users.set(below, (users.get(below) ?? 1) - 1);
      const next = snapshots.get(below);
      if (next !== undefined) queue.push(next);
    }
  }
  return [...going];
}
