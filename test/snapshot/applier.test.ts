import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { native } from '../../src/native/index.ts';
import { chainIDs, type Digest, digestOf } from '../../src/oci/index.ts';
import { applyLayers, type LayerToApply } from '../../src/snapshot/applier.ts';
import { createChains } from '../../src/snapshot/chains.ts';
import { diffSnapshot, packSnapshot } from '../../src/snapshot/differ.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import { type RawMember, rawTar } from '../native-layer/raw-tar.ts';
import { belowRoot, makeTree, readTree, withoutTimes } from '../native-layer/tree.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { openTestStore } from './test-store.ts';

const dir = (name: string, mode = 0o755): RawMember => ({ name, type: '5', mode });
const file = (name: string, content = name): RawMember => ({ name, content });

async function openRoom(t: ExecutionContext) {
  const { store, root } = await openTestStore(t);
  const snapshotter = createOverlaySnapshotter(store, native);
  return { store, root, snapshotter, chains: createChains(store, snapshotter), native };
}

/** Layers of gzipped tars; `asked` collects those whose blob was wanted. */
function layersOf(root: string, tars: readonly Buffer[], asked: number[] = []): LayerToApply[] {
  const diffIDs = tars.map((tar): Digest => digestOf(tar));
  const chain = chainIDs(diffIDs);
  return tars.map((tar, i) => ({
    diffID: diffIDs[i] ?? 'sha256:',
    chainID: chain[i] ?? 'sha256:',
    async blob() {
      asked.push(i);
      const path = join(root, `layer-${chain[i]?.slice(7, 19)}`);
      writeFileSync(path, gzipSync(tar));
      return { path, compression: 'gzip' };
    },
  }));
}

const LAYERS = [
  rawTar([
    dir('etc', 0o700),
    file('etc/a', 'a'),
    dir('usr'),
    dir('usr/lib'),
    { name: 'lib', type: '2', linkname: 'usr/lib' },
  ]),
  // Names no parents, links to a lower file, goes through a lower symlink.
  rawTar([file('etc/b', 'b'), { name: 'hard', type: '1', linkname: 'etc/a' }, file('lib/so', 'so')]),
  rawTar([file('.wh.hard'), dir('etc', 0o711), file('etc/.wh.b')]),
];

testNeeding(['root', 'python3'], 'applyLayers: the stack is the tree that the layers say', async (t) => {
  const room = await openRoom(t);
  const top = await applyLayers(room, layersOf(room.root, LAYERS));
  const { lowers } = room.snapshotter.view(top ?? '');
  t.is(lowers.length, 3);
  // The second layer is whole only when it is unpacked on the first.
  t.deepEqual(
    room.snapshotter.chain(top ?? '').map((name) => room.snapshotter.stat(name)?.contentSize),
    ['a'.length + 'usr/lib'.length, 'b'.length + 'so'.length, 0],
  );
  const merged = await makeTree(join(room.root, 'merged'), []);
  const script = 'mkdir "$1.m" && mount -t overlay overlay -o "lowerdir=$2" "$1.m" && cp -a "$1.m/." "$1"';
  await exec('unshare', ['-m', 'sh', '-c', script, 'sh', merged, lowers.join(':')]);
  const tree = belowRoot(withoutTimes(await readTree(merged)));
  t.deepEqual(Object.keys(tree), ['etc', 'etc/a', 'lib', 'usr', 'usr/lib', 'usr/lib/so']);
  t.like(tree, { etc: { mode: 0o711 }, lib: { type: 'symlink' } });
  t.deepEqual(
    readdirSync(room.store.paths.snapshots).filter((name) => !name.startsWith('sha256-')),
    [],
    'nothing half made stays',
  );
});

testNeeding(['root'], 'applyLayers: layers that are there are neither fetched nor unpacked', async (t) => {
  const room = await openRoom(t);
  const asked: number[] = [];
  const first = await applyLayers(room, layersOf(room.root, LAYERS.slice(0, 2), asked));
  t.deepEqual(
    asked.splice(0).sort((a, b) => a - b),
    [0, 1],
  );
  const top = await applyLayers(room, layersOf(room.root, LAYERS, asked));
  t.deepEqual(asked.splice(0), [2]);
  t.is(room.snapshotter.stat(top ?? '')?.parent, first);
  t.is(await applyLayers(room, layersOf(room.root, LAYERS, asked)), top);
  t.deepEqual(asked, []);
  t.is(await applyLayers(room, []), undefined);
});

testNeeding(['root'], 'applyLayers: two at once end in the same snapshots', async (t) => {
  const room = await openRoom(t);
  const tops = await Promise.all([1, 2, 3].map(() => applyLayers(room, layersOf(room.root, LAYERS))));
  t.is(new Set(tops).size, 1);
  t.is(room.snapshotter.list().length, 3);
});

testNeeding(['root'], 'applyLayers: a bad layer leaves what is below it and nothing else', async (t) => {
  const room = await openRoom(t);
  const bad = rawTar([file('../evil')]);
  const error = await t.throwsAsync(applyLayers(room, layersOf(room.root, [LAYERS[0] ?? bad, bad, LAYERS[2] ?? bad])));
  t.like(error, { code: 'TAR_PATH_ESCAPES' });
  t.is(room.snapshotter.list().length, 1);
  t.is(readdirSync(room.store.paths.snapshots).length, 1);
  const lying = layersOf(room.root, [rawTar([file('x')])]).map((layer) => ({ ...layer, diffID: digestOf('other') }));
  t.like(await t.throwsAsync(applyLayers(room, lying)), { code: 'DIFFID_MISMATCH' });
  t.is(readdirSync(room.store.paths.snapshots).length, 1);
});

testNeeding(['root'], 'diffSnapshot: what was unpacked is known, what was built is hashed once', async (t) => {
  const room = await openRoom(t);
  const base = await applyLayers(room, layersOf(room.root, [LAYERS[0] ?? Buffer.alloc(0)]));
  t.is((await diffSnapshot(room, base ?? '')).diffID, digestOf(LAYERS[0] ?? ''));
  const active = await room.snapshotter.prepare(base);
  writeFileSync(join(active.mount.upper ?? '', 'built'), 'by us');
  const { name } = await active.commit();
  const output = join(room.root, 'out');
  const packed = await packSnapshot(room, name, { compression: 'gzip', output });
  t.is(digestOf(readFileSync(output)), packed.digest);
  t.is(room.snapshotter.stat(name)?.contentSize, 'by us'.length);
  const nothing = { ...room, native: { packLayer: () => Promise.reject(new Error('hashed again')) } };
  t.deepEqual(await diffSnapshot(nothing, name), { diffID: packed.diffID, diffSize: packed.diffSize, empty: false });
  const same = (await (await room.snapshotter.prepare(name)).commit()).name;
  t.true((await diffSnapshot(room, same)).empty);
});
