import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createCacheMounts } from '../../../src/cache/index.ts';
import type { TravelContext } from '../../../src/cache/mounts/travel.ts';
import { createContentStore } from '../../../src/content/index.ts';
import { native } from '../../../src/native/index.ts';
import { createRegistryClient } from '../../../src/registry/index.ts';
import { createOverlaySnapshotter } from '../../../src/snapshot/overlay/snapshotter.ts';
import { openStore } from '../../../src/store/index.ts';
import { exec } from '../../support/exec.ts';
import { makeTempDir, removeTree } from '../../support/temp.ts';

/** A store with what cache mounts need to travel, closed and removed at the end of the test. */
export async function openTravel(t: ExecutionContext<unknown>, root = makeTempDir('travel')): Promise<TravelContext> {
  const store = await openStore(root);
  const registry = createRegistryClient({ env: {}, maxAttempts: 1 });
  t.teardown(async () => {
    await registry.close();
    await store.close();
    removeTree(root);
  });
  const content = createContentStore(store);
  return { store, content, native, registry, snapshotter: createOverlaySnapshotter(store, native) };
}

export interface Taken {
  /** The directory that a step would see. */
  readonly data: string;
  release(): void;
}

/** Takes a cache as a step does. */
export async function takeMount(
  { store }: TravelContext,
  id: string,
  sharing: 'shared' | 'locked' | 'private' = 'shared',
): Promise<Taken> {
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const { signal } = new AbortController();
  const lease = await createCacheMounts(store, native).acquire({ id, sharing, mode: 0o755, uid, gid, signal });
  return { data: lease.mount.upper ?? '', release: () => lease.release() };
}

/** Takes a cache, does something in it, and lets go. Gives its directory. */
export async function useMount(
  context: TravelContext,
  id: string,
  work: (data: string) => void | Promise<void> = () => {},
): Promise<string> {
  const taken = await takeMount(context, id);
  await work(taken.data);
  taken.release();
  return taken.data;
}

/** All that there is to say of a tree but its contents' times of access, with digests of files. */
export async function describeTree(root: string): Promise<string> {
  const attributes = await exec('find', ['.', '-mindepth', '1', '-printf', '%P %y %m %U:%G %T@ %l %n\\n'], {
    cwd: root,
  });
  const digests = await exec('sh', ['-c', 'find . -type f -exec sha256sum {} +'], { cwd: root });
  return `${attributes.stdout}\n${digests.stdout}`.split('\n').sort().join('\n');
}

/** A directory for the places of a test. */
export function makePlace(t: ExecutionContext<unknown>, name = 'layout'): string {
  const parent = makeTempDir('place');
  t.teardown(() => removeTree(parent));
  mkdirSync(parent, { recursive: true });
  return join(parent, name);
}
