import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../../store/index.ts';
import { writeWhole } from '../../whole-files.ts';

/**
 * How cache mounts lie in a store: `cache-mounts/<name>/<n>/data`, where `<name>` is a hash of what makes a cache that cache and `<n>`
 * counts the private ones that were in use at once. Beside the directories, `<name>/mount.json` holds the facts; `<n>/used` says by
 * its content how the cache was last shared and by its time when; `<n>/parts.json` which of its parts are known as blobs.
 */
export interface MountFacts {
  /** As the graph has it: `<namespace>/<id>`. */
  readonly id: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Which tree the directory was first filled with. */
  readonly seed?: string;
  readonly createdMs: number;
}

export type Sharing = 'shared' | 'private' | 'locked';

/** As in BuildKit a cache with another initial tree, owner or mode is another cache. */
export function mountName({ id, mode, uid, gid, seed }: Omit<MountFacts, 'createdMs'>): string {
  return createHash('sha256')
    .update(JSON.stringify([id, mode, uid, gid, seed ?? null]))
    .digest('hex');
}

/** The id as people write it: the graph's `/npm` is `npm`, and `//root/.npm`, of a mount without an id, its target. */
export function displayId(id: string): string {
  return id.startsWith('/') ? id.slice(1) : id;
}

export function mountDirectory(store: Pick<Store, 'paths'>, name: string): string {
  return join(store.paths.cacheMounts, name);
}

export function instanceDirectory(store: Pick<Store, 'paths'>, name: string, index: number): string {
  return join(mountDirectory(store, name), String(index));
}

/** Written before the data is there, so that none is without; `directory` is that of the instance which is made. */
export async function writeFacts(
  store: Pick<Store, 'paths' | 'owner'>,
  name: string,
  directory: string,
  facts: MountFacts,
): Promise<void> {
  const temporary = await leftoverPath(store, directory);
  writeWhole(join(mountDirectory(store, name), 'mount.json'), JSON.stringify(facts), { temporary });
}

/** `undefined` where there are none, or none that can be read. */
export function readFacts(store: Pick<Store, 'paths'>, name: string): MountFacts | undefined {
  try {
    const facts = JSON.parse(readFileSync(join(mountDirectory(store, name), 'mount.json'), 'utf8')) as MountFacts;
    return typeof facts.id === 'string' ? facts : undefined;
  } catch {
    return undefined;
  }
}

/** Notes a use: at its beginning and, with `sharing` unchanged, at its end. */
export function touchInstance(directory: string, sharing?: Sharing): void {
  const file = join(directory, 'used');
  try {
    const now = new Date();
    if (sharing === undefined) utimesSync(file, now, now);
    else writeFileSync(file, sharing);
  } catch {
    // It only says which cache goes first when room is needed.
  }
}

export interface InstanceUse {
  readonly lastUsedMs: number;
  readonly sharing: Sharing | undefined;
}

/** `undefined` for one that was never used. */
export function readUse(directory: string): InstanceUse | undefined {
  try {
    const file = join(directory, 'used');
    const text = readFileSync(file, 'utf8');
    const sharing = text === 'shared' || text === 'private' || text === 'locked' ? text : undefined;
    return { lastUsedMs: statSync(file).mtimeMs, sharing };
  } catch {
    return undefined;
  }
}

/** Names of all mounts. */
export function listNames(store: Pick<Store, 'paths'>): readonly string[] {
  return namesIn(store.paths.cacheMounts).filter((name) => /^[0-9a-f]{64}$/.test(name));
}

/** Numbers of a mount's directories. */
export function listInstances(store: Pick<Store, 'paths'>, name: string): readonly number[] {
  return namesIn(mountDirectory(store, name))
    .filter((index) => /^\d{1,6}$/.test(index))
    .map(Number)
    .sort((a, b) => a - b);
}

export function makeInstance(store: Pick<Store, 'paths'>, name: string, index: number): string {
  const directory = instanceDirectory(store, name, index);
  mkdirSync(directory, { recursive: true });
  return directory;
}

let leftovers = 0;

/** Where in an instance's directory lies what is being made or removed: when its process dies, it is swept. */
export async function leftoverPath(store: Pick<Store, 'owner'>, directory: string): Promise<string> {
  const { id } = await store.owner();
  return join(directory, `half-${id}.${++leftovers}`);
}

const LEFTOVER = /^half-(\d+-[0-9a-f]{12})\.\d+$/;

/** Paths of such things in an instance's directory, and whose they are. */
export function listLeftovers(directory: string): readonly { readonly path: string; readonly owner: string }[] {
  return namesIn(directory).flatMap((name) => {
    const owner = LEFTOVER.exec(name)?.[1];
    return owner === undefined ? [] : [{ path: join(directory, name), owner }];
  });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
