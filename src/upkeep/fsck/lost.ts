import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { LINK_NAMES } from '../../snapshot/overlay/active.ts';
import { snapshotRoot } from '../../snapshot/overlay/records.ts';
import { hasShape } from '../../store/index.ts';
import type { UpkeepContext } from '../types.ts';
import { readLink } from './links.ts';
import { listLayers } from './rebuild.ts';

/**
 * What the tables have lost and the disk still has: a record of an image or a snapshot that says nothing or what cannot be, or a snapshot that
 * others stand on, or that is an image's layer, with a directory and without a record. To take such a directory for a stray one would cost the
 * image, so tables like these are made anew. Whoever makes or removes a snapshot leaves nothing of that sort: records of what stands on it come
 * later and go before. Answers what it is in words, `undefined` where nothing is lost.
 */
export async function findLostRecord(context: UpkeepContext): Promise<string | undefined> {
  const { store } = context;
  const snapshots = new Map<string, SnapshotLinks>();
  const chains = new Map<string, string>();
  // One look at all tables: what is committed meanwhile is in none of them.
  for (const { key, value } of store.records()) {
    const [table = '', name = ''] = splitKey(key);
    const record = readRecord(value);
    if (table === 'chains' && typeof record === 'string') chains.set(name, record);
    if (table !== 'snapshots' && table !== 'images') continue;
    if (typeof record !== 'object' || record === null) return `the record ${key} says nothing`;
    // An image's name alone is no loss; of one with a target there is a copy.
    if (!hasShape(table, record) && (table === 'snapshots' || 'target' in record))
      return `the record ${key} makes no sense`;
    if (table === 'snapshots') snapshots.set(name, record);
    else if ('target' in record && 'name' in record && record.name !== name)
      return `the record ${key} is that of ${String(record.name)}`;
  }
  const isLost = (name: string): boolean => {
    if (snapshots.has(name)) return false;
    const status = lstatSync(join(snapshotRoot(store, name), 'fs'), { throwIfNoEntry: false });
    return status?.isDirectory() ?? false;
  };
  const lost = (name: string, why: string): string => `there is no record of the snapshot ${name}, ${why}`;
  for (const [name, record] of snapshots)
    for (const link of ['parent', 'changesOf'] as const) {
      const below = record[link] ?? undefined;
      if (typeof below === 'string' && isLost(below)) return lost(below, `which ${name} stands on`);
      // Of the two, the one that leads somewhere is right.
      const said = readLink(join(snapshotRoot(store, name), LINK_NAMES[link]));
      if (
        said !== undefined &&
        said !== below &&
        !(typeof below === 'string' && snapshots.has(below)) &&
        snapshots.has(said)
      )
        return `the record of the snapshot ${name} says another ${link} than its directory`;
    }
  const candidates = [...chains].filter(([, name]) => isLost(name));
  if (candidates.length === 0) return undefined;
  const layers = await listLayers(context);
  const found = candidates.find(([chainID]) => layers.has(chainID));
  return found && lost(found[1], 'which is a layer of an image');
}

interface SnapshotLinks {
  readonly parent?: unknown;
  readonly changesOf?: unknown;
}

function splitKey(key: string): readonly string[] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}

function readRecord(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
