import { type ContentStore, createContentStore } from '../../src/content/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

export interface TestStore {
  readonly store: Store;
  readonly content: ContentStore;
  readonly dispose: () => Promise<void>;
}

/** An empty store in a temporary directory. */
export async function openTestStore(): Promise<TestStore> {
  const root = makeTempDir('store');
  const store = await openStore(root);
  return {
    store,
    content: createContentStore(store),
    async dispose() {
      await store.close();
      removeTree(root);
    },
  };
}
