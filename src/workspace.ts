import { type ContentStore, createContentStore } from './content/index.ts';
import { createImageStore } from './images/index.ts';
import type { ImageStore } from './images/types.ts';
import { native } from './native/index.ts';
import { createRegistryClient } from './registry/index.ts';
import { sweepAgentSockets } from './secrets/index.ts';
import { type Chains, createChains } from './snapshot/chains.ts';
import { createOverlaySnapshotter } from './snapshot/overlay/snapshotter.ts';
import type { Snapshotter } from './snapshot/snapshotter.ts';
import { createHttpClient, type HttpClient } from './source/index.ts';
import { openStore, type Store, sweepOwners } from './store/index.ts';

/**
 * The composition root: an open store with one implementation behind each interface. Everything that the library does
 * starts here; only this file and `build/` name implementations.
 */
export interface Workspace {
  readonly store: Store;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly images: ImageStore;
  /** For what is downloaded from the web. */
  readonly http: HttpClient;
  /** Removes what processes that are gone left half made. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** Opens the store at `root` (default: see the README). Throws `STORE_UNAVAILABLE`, `STORE_VERSION`, `NATIVE_UNAVAILABLE`. */
export async function openWorkspace(root: string | undefined): Promise<Workspace> {
  const store = await openStore(root);
  const content = createContentStore(store);
  const snapshotter = createOverlaySnapshotter(store, native);
  const chains = createChains(store, snapshotter);
  const registry = createRegistryClient();
  const images = createImageStore({ store, content, snapshotter, chains, native, registry });
  const http = createHttpClient();
  return {
    store,
    content,
    snapshotter,
    chains,
    images,
    http,
    async sweep() {
      await sweepOwners(store.paths.locks, await store.owner());
      // Not beside the others: who asks whether an owner lives holds its lock for that moment.
      await sweepAgentSockets(store);
      await Promise.all([snapshotter.sweep(), content.sweep()]);
    },
    async close() {
      await Promise.all([registry.close(), http.close()]);
      await store.close();
    },
  };
}

/** Opens the store, does `work`, and closes it whatever happens. */
export async function withWorkspace<T>(
  root: string | undefined,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const workspace = await openWorkspace(root);
  try {
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}
