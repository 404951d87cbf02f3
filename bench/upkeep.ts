// What it takes to look through, to prune and to check a store of 2,000 snapshots with 200,000 files, and what a lease costs.
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkStore, diskUsage, pruneStore } from '../src/index.ts';
import { native } from '../src/native/index.ts';
import { digestOf } from '../src/oci/index.ts';
import { createOverlaySnapshotter } from '../src/snapshot/overlay/snapshotter.ts';
import { openStore } from '../src/store/index.ts';
import { makeTempDir, removeTree } from '../test/support/temp.ts';

const SNAPSHOTS = 2000;
const FILES_EACH = 100;
const STACK = 10;
const LEASES = 10_000;

async function fill(root: string): Promise<void> {
  const store = await openStore(root);
  const snapshotter = createOverlaySnapshotter(store, native);
  const records = store.table('cache-records');
  const writes: Promise<unknown>[] = [];
  for (let stack = 0; stack < SNAPSHOTS / STACK; stack++) {
    let parent: string | undefined;
    for (let level = 0; level < STACK; level++) {
      const active = await snapshotter.prepare(parent);
      const directory = join(active.mount.upper ?? '', 'd');
      mkdirSync(directory);
      for (let i = 0; i < FILES_EACH - 2; i++) writeFileSync(join(directory, String(i)), `${stack} ${level} ${i}`);
      parent = (await active.commit()).name;
      const record = {
        snapshots: [parent],
        name: `step ${level}`,
        createdMs: 1,
        lastUsedMs: Date.now() - stack * 60_000,
      };
      writes.push(records.put(digestOf(`${stack} ${level}`), record));
    }
  }
  await Promise.all(writes);
  await store.close();
}

async function time(what: string, work: () => Promise<string> | string): Promise<void> {
  const begin = performance.now();
  const said = await work();
  console.log(`${what.padEnd(52)} ${(performance.now() - begin).toFixed(0).padStart(6)} ms  ${said}`);
}

async function main(): Promise<void> {
  const root = makeTempDir('upkeep');
  try {
    await time(`making ${SNAPSHOTS} snapshots, ${SNAPSHOTS * FILES_EACH} files`, async () => {
      await fill(root);
      return '';
    });
    for (const round of ['first', 'second'])
      await time(`du (${round})`, async () => `${(await diskUsage({ root })).totalBytes} bytes`);
    await time(
      'du -s, for comparison',
      () => `${execFileSync('du', ['-s', '-B1', root]).toString().split('\t')[0]} bytes`,
    );
    await time('fsck', async () => `${(await checkStore({ root })).findings.length} findings`);
    const half = Math.floor((await diskUsage({ root })).totalBytes / 2);
    await time(
      'prune to half of it',
      async () => `${(await pruneStore({ root, maxUsedSpace: half })).removed.length} removed`,
    );
    await time('prune of the rest', async () => `${(await pruneStore({ root, all: true })).removed.length} removed`);
    const store = await openStore(root);
    await time(`${LEASES} leases`, async () => {
      for (let i = 0; i < LEASES; i++) await store.hold([`name-${i}`]);
      return '';
    });
    await store.close();
  } finally {
    removeTree(root);
  }
}

await main();
