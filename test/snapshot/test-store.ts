import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { openStore, type Store } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

/** A store of the test's own, in memory where that is possible; `root` holds it and has room for more. */
export async function openTestStore(t: ExecutionContext): Promise<{ readonly store: Store; readonly root: string }> {
  const root = makeTempDir('snap', existsSync('/dev/shm') ? '/dev/shm' : undefined);
  const store = await openStore(`${root}/store`);
  t.teardown(async () => {
    await store.close();
    removeTree(root);
  });
  return { store, root };
}
