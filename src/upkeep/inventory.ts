import { lstatSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { displayId, instanceDirectory, listInstances, listNames, readFacts, readUse } from '../cache/mounts/facts.ts';
import { tryInstance } from '../cache/mounts/locks.ts';
import { listSnapshotNames, snapshotRoot } from '../snapshot/overlay/records.ts';
import type { SnapshotInfo } from '../snapshot/snapshotter.ts';
import { listStatCaches } from '../source/stat-caches.ts';
import { blobKey, type NeedGraph, snapshotKey } from './graph.ts';
import type { UpkeepContext, UsageItem, UsageKind } from './types.ts';
import type { CacheUse } from './uses.ts';

type Uses = ReadonlyMap<string, CacheUse>;

/** An item before it was measured. */
type Found = Omit<UsageItem, 'bytes' | 'files'> & {
  /** Of a directory whose entries are items of their own: what it is itself. */
  readonly ownBytes?: number;
};

/** Everything below the root of a store, by kind, with what needs and uses it; nothing is measured yet. Whatever nobody knows is `stray`. */
export async function takeInventory(context: UpkeepContext, needs: NeedGraph, uses: Uses): Promise<readonly Found[]> {
  const { paths } = context.store;
  const { root } = paths;
  const found: Found[] = [];
  const rooms = new Map<string, () => Iterable<Found> | Promise<Iterable<Found>>>([
    [paths.blobs, () => findBlobs(context, needs)],
    [paths.snapshots, () => findSnapshots(context, needs, uses)],
    [paths.cacheMounts, () => findCacheMounts(context)],
    [paths.git, () => findRepositories(context)],
    [paths.meta, () => findMeta(context)],
    [paths.ingest, () => findLeftovers(context)],
  ]);
  const own = ownItem(root, root, 'store', 'directories of the store');
  if (own === undefined) return [];
  found.push(own);
  for (const name of namesIn(root)) {
    const path = join(root, name);
    const room = rooms.get(path);
    if (room === undefined) found.push(wholeItem(root, path, STORE_ENTRIES.get(name)));
    else {
      const directory = ownItem(root, path, 'store', `the directory ${name}`);
      if (directory !== undefined) found.push(directory);
      for (const item of await room()) found.push(item);
    }
  }
  return gatherOwn(found);
}

/** Directories of the store itself are one item together. */
function gatherOwn(found: readonly Found[]): readonly Found[] {
  const own = found.filter(({ ownBytes }) => ownBytes !== undefined);
  const [root] = own;
  if (root === undefined) return found;
  const ownBytes = own.reduce((sum, item) => sum + (item.ownBytes ?? 0), 0);
  return [{ ...root, ownBytes }, ...found.filter((item) => item.ownBytes === undefined)];
}

/** What lies in the root itself, and is not looked into. */
const STORE_ENTRIES: ReadonlyMap<string, readonly [UsageKind, string]> = new Map([
  ['tsbuild-store', ['store', 'the format of the store']],
  ['oci-layout', ['store', 'marks the root as an OCI image layout']],
  ['index.json', ['store', 'the images, for other tools']],
  ['config.json', ['store', 'settings']],
  ['locks', ['store', 'locks']],
  ['agents', ['store', 'sockets of ssh agents']],
  ['logs', ['builds', 'logs of builds']],
  ['builds', ['builds', 'records of builds']],
  ['quarantine', ['leftover', 'what fsck --repair took out of the store']],
] as const);

const PLAIN = {
  type: 'internal',
  parents: [],
  createdMs: undefined,
  lastUsedMs: undefined,
  usageCount: 0,
  inUse: false,
  mutable: false,
  shared: false,
  reclaimable: false,
} as const;

function wholeItem(root: string, path: string, known: readonly [UsageKind, string] | undefined): Found {
  const [kind, description] = known ?? ['stray', 'nothing that tsbuild has made'];
  return { ...PLAIN, id: relative(root, path) || '.', kind, path, description, ...times(path) };
}

/** A directory without what is in it; `undefined` where there is none. */
function ownItem(root: string, path: string, kind: UsageKind, description: string): Found | undefined {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status === undefined) return undefined;
  return { ...wholeItem(root, path, [kind, description]), ownBytes: status.blocks * 512 };
}

function* findBlobs({ store, content }: UpkeepContext, needs: NeedGraph): Generator<Found> {
  const { blobs, root } = store.paths;
  for (const algorithm of namesIn(blobs)) {
    const directory = join(blobs, algorithm);
    const own = ownItem(root, directory, 'store', 'a directory of blobs');
    if (own === undefined) continue;
    if (!lstatSync(directory).isDirectory()) {
      yield wholeItem(root, directory, undefined);
      continue;
    }
    yield own;
    for (const encoded of namesIn(directory)) {
      const path = join(directory, encoded);
      const digest = `${algorithm}:${encoded}` as const;
      if (content.stat(digest) === undefined) {
        yield wholeItem(root, path, undefined);
        continue;
      }
      const key = blobKey(digest);
      yield {
        ...PLAIN,
        id: digest,
        kind: 'blob',
        type: 'regular',
        path,
        description: needs.shared.has(key) ? 'blob of an image' : 'blob that no image has',
        ...times(path),
        inUse: needs.held.has(key),
        shared: needs.shared.has(key),
        reclaimable: !needs.kept.has(key),
      };
    }
  }
}

/** `active-<owner>-<n>`, `removed-<owner>-<n>`: half made, half removed. */
const HALF = /^(?:active|removed)-/;

function* findSnapshots({ store, snapshotter }: UpkeepContext, needs: NeedGraph, uses: Uses): Generator<Found> {
  const { snapshots, root } = store.paths;
  const known = new Map<string, SnapshotInfo>();
  const names = new Map(listSnapshotNames(store).map((name) => [snapshotRoot(store, name), name]));
  for (const info of snapshotter.list()) known.set(snapshotRoot(store, info.name), info);
  for (const entry of namesIn(snapshots)) {
    const path = join(snapshots, entry);
    const info = known.get(path);
    if (info === undefined) {
      if (HALF.test(entry))
        yield { ...wholeItem(root, path, ['leftover', 'a snapshot in the making, or on its way out']), inUse: true };
      else {
        const about = names.has(path)
          ? 'a snapshot that a crash of the machine may have damaged'
          : 'a directory without a record';
        yield {
          ...wholeItem(root, path, ['lost-snapshot', about]),
          id: names.get(path) ?? entry,
          type: 'regular',
          reclaimable: true,
        };
      }
      continue;
    }
    const key = snapshotKey(info.name);
    const use = uses.get(info.name);
    yield {
      ...PLAIN,
      id: info.name,
      kind: 'snapshot',
      type: snapshotType(info, use),
      path,
      description: describeSnapshot(info, use),
      createdMs: info.createdMs,
      lastUsedMs: Math.max(info.createdMs, use?.lastUsedMs ?? 0),
      usageCount: use?.names.length ?? 0,
      parents: [info.parent, info.changesOf].filter((name) => name !== undefined),
      inUse: needs.held.has(key),
      shared: needs.shared.has(key),
      reclaimable: !needs.kept.has(key),
    };
  }
}

/** A tree that stands on nothing, has the name of a digest and is no layer is what a build read from somewhere. */
function snapshotType({ name, parent, diffID }: SnapshotInfo, use: CacheUse | undefined): UsageItem['type'] {
  if (use?.names.some((step) => /^(?:https?|git):\/\//.test(step))) return 'source.git.checkout';
  const isSource = name.startsWith('sha256:') && parent === undefined && diffID === undefined;
  return isSource && use === undefined ? 'source.local' : 'regular';
}

function describeSnapshot({ name, parent, diffID, changesOf }: SnapshotInfo, use: CacheUse | undefined): string {
  const [step] = use?.names ?? [];
  if (step !== undefined) return step;
  if (changesOf !== undefined) return 'a linked layer';
  if (name.startsWith('sha256:'))
    return diffID === undefined && parent === undefined ? 'local source, staged' : 'a layer of an image';
  return 'a build step';
}

async function findCacheMounts({ store }: UpkeepContext): Promise<readonly Found[]> {
  const { cacheMounts, root } = store.paths;
  const names = new Set(listNames(store));
  const found: Found[] = [];
  for (const name of namesIn(cacheMounts)) {
    const path = join(cacheMounts, name);
    if (!names.has(name)) {
      found.push(wholeItem(root, path, undefined));
      continue;
    }
    const instances = listInstances(store, name);
    const facts = readFacts(store, name);
    const used = instances.map((index) => readUse(instanceDirectory(store, name, index))?.lastUsedMs ?? 0);
    const inUse = !store.isReadOnly && (await isMountInUse(store, name, instances));
    found.push({
      ...PLAIN,
      id: name,
      kind: 'cache-mount',
      type: 'exec.cachemount',
      path,
      description: `cache mount ${displayId(facts?.id ?? name)}`,
      createdMs: facts?.createdMs,
      lastUsedMs: Math.max(facts?.createdMs ?? 0, ...used),
      mutable: true,
      inUse,
      reclaimable: !inUse,
    });
  }
  return found;
}

async function isMountInUse(
  store: UpkeepContext['store'],
  name: string,
  instances: readonly number[],
): Promise<boolean> {
  for (const index of instances) {
    const lock = await tryInstance(store, name, index, true);
    if (lock === undefined) return true;
    lock.release();
  }
  return false;
}

async function findRepositories({ store }: UpkeepContext): Promise<readonly Found[]> {
  const { git, root } = store.paths;
  const found: Found[] = [];
  for (const name of namesIn(git)) {
    const path = join(git, name);
    const key = name.replace(/\.new$/, '');
    if (!/^[0-9a-f]{40}$/.test(key)) {
      found.push(wholeItem(root, path, undefined));
      continue;
    }
    const lock = store.isReadOnly ? undefined : await store.lock(`git-${key}`, { exclusive: true, wait: false });
    const inUse = lock === undefined && !store.isReadOnly;
    lock?.release();
    found.push({
      ...wholeItem(root, path, ['git', 'a repository that builds have read']),
      type: 'source.git.checkout',
      mutable: true,
      inUse,
      reclaimable: !inUse,
    });
  }
  return found;
}

function* findMeta({ store }: UpkeepContext): Generator<Found> {
  const { meta, statCache, root } = store.paths;
  for (const name of namesIn(meta)) {
    const path = join(meta, name);
    if (path === statCache) {
      const own = ownItem(root, path, 'store', 'the directory of stat caches');
      if (own !== undefined) yield own;
      const contexts = new Map(listStatCaches(statCache).map((file) => [file.path, file]));
      for (const entry of namesIn(statCache)) {
        const file = contexts.get(join(statCache, entry));
        const about = file?.context === undefined ? 'digests of files' : `digests of files in ${file.context}`;
        yield { ...wholeItem(root, join(statCache, entry), ['stat-cache', about]), reclaimable: true };
      }
    } else if (name.startsWith('tables.mdb') || name === 'images.json')
      yield wholeItem(root, path, ['store', 'records']);
    else yield wholeItem(root, path, undefined);
  }
}

function* findLeftovers({ store }: UpkeepContext): Generator<Found> {
  const { ingest, root } = store.paths;
  for (const name of namesIn(ingest))
    yield {
      ...wholeItem(root, join(ingest, name), ['leftover', 'a blob in the making, or on its way out']),
      inUse: true,
    };
}

function times(path: string): Pick<UsageItem, 'createdMs' | 'lastUsedMs'> {
  const mtimeMs = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return { createdMs: mtimeMs, lastUsedMs: mtimeMs };
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
