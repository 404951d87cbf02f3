import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { digestEncoded, digestOf } from '../../oci/index.ts';
import { snapshotNotFound } from '../errors.ts';
import type { SnapshotInfo } from '../snapshotter.ts';
import { commitDirectory, inheritRoot, type SnapshotDirectories } from './active.ts';
import { type SnapshotRecords, toInfo } from './records.ts';

/**
 * `Snapshotter.link`: a record with a parent of its own that points to the changes of `layer`. It has a directory too, empty, by
 * which it is told from a record whose making was cut off.
 *
 * @param lowers the trees of `parent`, topmost first
 */
export async function linkSnapshot(
  directories: SnapshotDirectories,
  key: string,
  lowers: readonly string[],
  parent: string,
  layer: string,
): Promise<SnapshotInfo> {
  const { store, records } = directories;
  const source = records.find(layer);
  if (source === undefined) throw snapshotNotFound(layer);
  const changesOf = source.changesOf ?? layer;
  const name = digestEncoded(digestOf(`link ${parent} ${changesOf}`));
  await store.hold([name]);
  const known = records.find(name);
  if (known !== undefined) return toInfo(name, known);
  const root = join(store.paths.snapshots, key);
  const own = join(root, 'fs');
  mkdirSync(own, { recursive: true });
  inheritRoot(own, lowers[0]);
  const changes = records.directory(changesOf);
  // Changes that do not speak of the root leave that of the tree below: an overlay would show theirs.
  const ownRoot = !changesRoot(records, changesOf) && describeRoot(own) !== describeRoot(changes);
  return commitDirectory(directories, root, name, { parent, changesOf, ...(ownRoot ? { ownRoot } : {}) });
}

const USUAL_ROOT = '40755 0 0';

function changesRoot(records: SnapshotRecords, name: string): boolean {
  const parent = records.find(name)?.parent ?? undefined;
  const below = parent === undefined ? USUAL_ROOT : describeRoot(records.topDirectory(parent));
  return describeRoot(records.directory(name)) !== below;
}

function describeRoot(directory: string): string {
  const { mode, uid, gid } = statSync(directory);
  return `${mode.toString(8)} ${uid} ${gid}`;
}
