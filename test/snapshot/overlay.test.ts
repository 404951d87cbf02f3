import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { native } from '../../src/native/index.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import { openStore } from '../../src/store/index.ts';
import { testSnapshotter } from '../contracts/snapshotter.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTestStore } from './test-store.ts';

testSnapshotter('overlay', async () => {
  const root = makeTempDir('snap', existsSync('/dev/shm') ? '/dev/shm' : undefined);
  const store = await openStore(root);
  return {
    snapshotter: createOverlaySnapshotter(store, native),
    reopen: async () => createOverlaySnapshotter(store, native),
    leftovers: () => readdirSync(store.paths.snapshots),
    async dispose() {
      await store.close();
      removeTree(root);
    },
  };
});

const ABANDON = `
  import { writeFileSync } from 'node:fs';
  const [root, src] = process.argv.slice(1);
  const { openStore } = await import(src + '/store/index.js');
  const { native } = await import(src + '/native/index.js');
  const { createOverlaySnapshotter } = await import(src + '/snapshot/overlay/snapshotter.js');
  const snapshotter = createOverlaySnapshotter(await openStore(root), native);
  const kept = await (await snapshotter.prepare(undefined)).commit('kept');
  const active = await snapshotter.prepare(kept.name);
  writeFileSync(active.mount.upper + '/half', 'done');
  process.kill(process.pid, 'SIGKILL');
`;

testNeeding(['root'], 'overlay: what a killed process left half made is swept, what it committed stays', async (t) => {
  const { store } = await openTestStore(t);
  const src = join(import.meta.dirname, '../../src');
  await t.throwsAsync(exec(process.execPath, ['--input-type=module', '-e', ABANDON, store.paths.root, src]), {
    message: /SIGKILL/,
  });
  t.is(readdirSync(store.paths.snapshots).length, 2);
  const snapshotter = createOverlaySnapshotter(store, native);
  await snapshotter.sweep();
  t.deepEqual(readdirSync(store.paths.snapshots), ['kept']);
  t.truthy(snapshotter.stat('kept'));
});

testNeeding(['root'], 'overlay: a snapshot whose directory is gone is not there', async (t) => {
  const { store } = await openTestStore(t);
  const snapshotter = createOverlaySnapshotter(store, native);
  const parent = await (await snapshotter.prepare(undefined)).commit('parent');
  await (await snapshotter.prepare(parent.name)).commit('child');
  rmSync(join(store.paths.snapshots, 'parent'), { recursive: true });
  t.is(snapshotter.stat('parent'), undefined);
  t.throws(() => snapshotter.view('child'), { code: 'SNAPSHOT_NOT_FOUND' });
  const again = await (await snapshotter.prepare(undefined)).commit('parent');
  t.is(again.name, 'parent');
  t.is(snapshotter.view('child').lowers.length, 2);
});

testNeeding(
  ['root'],
  'overlay: a record without a directory is swept, unless somebody who lives is at it',
  async (t) => {
    const { store } = await openTestStore(t);
    const snapshotter = createOverlaySnapshotter(store, native);
    for (const name of ['whole', 'killed', 'sha256:begun']) await (await snapshotter.prepare(undefined)).commit(name);
    for (const name of ['killed', 'sha256-begun']) rmSync(join(store.paths.snapshots, name), { recursive: true });
    // As who makes it does: the name is held, then comes the record, then the directory.
    const other = await openStore(store.paths.root);
    await other.hold(['sha256:begun']);
    await snapshotter.sweep();
    const names = () => [...store.table('snapshots').entries()].map(({ key }) => key);
    t.deepEqual(names(), ['sha256:begun', 'whole']);
    await other.close();
    await snapshotter.sweep();
    t.deepEqual(names(), ['whole']);
    t.truthy(snapshotter.stat('whole'));
  },
);

testNeeding(['root'], 'overlay: a snapshot that no disk had when the machine went down is not trusted', async (t) => {
  const { store } = await openTestStore(t);
  const snapshotter = createOverlaySnapshotter(store, native);
  await (await snapshotter.prepare(undefined)).commit('unsettled');
  const table = store.table<Record<string, unknown>>('snapshots');
  await table.update('unsettled', (record) => ({ ...record, unsettledBoot: 'another boot' }));
  t.is(snapshotter.stat('unsettled'), undefined);
  await (await snapshotter.prepare(undefined)).commit('settled');
  // Old enough to have been written out: a sweep makes sure of it and says so.
  await table.update('settled', (record) => ({ ...record, createdMs: Date.now() - 3_600_000 }));
  await snapshotter.sweep();
  t.is(table.get('settled')?.unsettledBoot, undefined);
  t.truthy(snapshotter.stat('settled'));
});
