import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { checkStore, diskUsage, pruneStore } from '../../src/index.ts';
import { native } from '../../src/native/index.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import { openStore } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

test('a prune makes room on a disk that has none', async (t) => {
  const work = makeTempDir('full');
  t.teardown(() => removeTree(work));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', work], { stdio: 'ignore' });
  } catch {
    t.log('skipped: nothing can be mounted here');
    t.pass();
    return;
  }
  try {
    const root = join(work, 'store');
    const store = await openStore(root);
    const snapshotter = createOverlaySnapshotter(store, native);
    let parent: string | undefined;
    for (let i = 0; i < 3; i++) {
      const active = await snapshotter.prepare(parent);
      writeFileSync(join(active.mount.upper ?? '', `file-${i}`), Buffer.alloc(500_000));
      parent = (await active.commit()).name;
    }
    await store.close();
    t.throws(() => writeFileSync(join(work, 'filler'), Buffer.alloc(8 * 1024 ** 2)), { code: 'ENOSPC' });
    const before = (await diskUsage({ root })).totalBytes;
    const { removed } = await pruneStore({ root });
    t.is(removed.length, 3);
    t.true((await diskUsage({ root })).totalBytes < before - 1_400_000);
    t.true(existsSync(join(root, 'snapshots')));
    t.true((await checkStore({ root, repair: true })).ok);
  } finally {
    execFileSync('umount', [work]);
  }
});
