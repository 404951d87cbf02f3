import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { openStore } from '../../src/store/index.ts';
import { exec } from '../support/exec.ts';
import { unmountBelow } from '../support/mounts.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { addImage, openRoom, type Room } from './room.ts';

const names = async (room: Room): Promise<string[]> =>
  (await room.images.listImages()).map(({ repository, tag }) => `${repository}:${tag}`).sort();
const idOf = async (room: Room, name: string): Promise<string> => (await room.images.findImage(name))?.imageID ?? '';

test('one of several names is untagged, the last one deletes', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1', 'app:2']);
  const imageID = await idOf(room, 'app:1');
  t.deepEqual(await room.images.removeImage('app:1'), [{ type: 'untagged', name: 'app:1' }]);
  t.deepEqual(await names(room), ['app:2']);
  t.true(room.content.stat(parts.manifest.digest) !== undefined);
  t.deepEqual(await room.images.removeImage('app:2'), [
    { type: 'untagged', name: 'app:2' },
    { type: 'deleted', digest: imageID as `sha256:${string}` },
  ]);
  t.deepEqual([...room.content.list()], []);
});

test('by ID, names in several repositories need force', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1', 'other/app:1']);
  const imageID = await idOf(room, 'app:1');
  await t.throwsAsync(room.images.removeImage(imageID.slice(7, 19)), {
    code: 'IMAGE_IN_USE',
    message: /unable to delete [0-9a-f]{12} \(must be forced\) - image is referenced in multiple repositories/,
  });
  t.deepEqual(await names(room), ['app:1', 'other/app:1']);
  const removed = await room.images.removeImage(imageID, { force: true });
  t.deepEqual(removed.map((item) => (item.type === 'untagged' ? item.name : item.digest)).sort(), [
    'app:1',
    'other/app:1',
    imageID,
  ]);
  t.deepEqual(await names(room), []);
});

test('by ID, two tags of one repository need force too, one tag does not', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1', 'app:2']);
  const imageID = await idOf(room, 'app:1');
  await t.throwsAsync(room.images.removeImage(imageID), { code: 'IMAGE_IN_USE' });
  await room.images.removeImage('app:2');
  t.is((await room.images.removeImage(imageID)).length, 2);
});

test("a repository's digests go with its last tag", async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['reg.example/app:1', 'reg.example/app:2', 'kept:1']);
  const digestName = `reg.example/app@${parts.manifest.digest}`;
  await room.images.recordImage(parts.manifest, [digestName]);
  t.deepEqual(await room.images.removeImage('reg.example/app:1'), [{ type: 'untagged', name: 'reg.example/app:1' }]);
  t.deepEqual(await room.images.removeImage('reg.example/app:2'), [
    { type: 'untagged', name: 'reg.example/app:2' },
    { type: 'untagged', name: digestName },
  ]);
  t.deepEqual(await names(room), ['kept:1']);
});

test('layers that another image has stay', async (t) => {
  const room = await openRoom(t);
  const shared = { shared: 'layer' };
  const going = await addImage(room, ['going:1'], { layers: [shared, { own: 'layer' }] });
  const staying = await addImage(room, ['staying:1'], { layers: [shared] });
  await room.images.removeImage('going:1');
  t.deepEqual(
    [...room.content.list()].map(({ digest }) => digest).sort(),
    [staying.manifest.digest, digestOf(staying.configBytes), digestOf(staying.layers[0]?.blob ?? '')].sort(),
  );
  t.is(room.content.stat(digestOf(going.layers[1]?.blob ?? '')), undefined);
});

test('what another process holds is not collected, and all of it afterwards', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1']);
  const other = await openStore(room.store.paths.root);
  await other.hold([parts.manifest.digest]);
  const removed = await room.images.removeImage('app:1');
  t.is(removed.length, 2);
  t.deepEqual(
    [...room.content.list()].map(({ digest }) => digest),
    [parts.manifest.digest],
  );
  await other.close();
  t.is((await room.images.collectGarbage())?.blobs.length, 1);
  t.deepEqual([...room.content.list()], []);
});

test('a digest that only a tag has is no name to remove', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1']);
  await t.throwsAsync(room.images.removeImage(`app@${parts.manifest.digest}`), { code: 'IMAGE_NOT_FOUND' });
  t.deepEqual(await names(room), ['app:1']);
});

test('what is not there cannot be removed', async (t) => {
  const room = await openRoom(t);
  await t.throwsAsync(room.images.removeImage('missing:1'), {
    code: 'IMAGE_NOT_FOUND',
    message: 'no such image: missing:1',
  });
});

test('a prune removes what lost its names; with all, everything', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1'], { layers: [{ first: 'layer' }] });
  await addImage(room, ['app:1'], { layers: [{ second: 'layer' }] });
  t.deepEqual(await names(room), ['<none>:<none>', 'app:1']);
  t.deepEqual(
    (await room.images.pruneImages()).map(({ type }) => type),
    ['deleted'],
  );
  t.deepEqual(await names(room), ['app:1']);
  t.deepEqual(
    (await room.images.pruneImages({ all: true })).map(({ type }) => type),
    ['untagged', 'deleted'],
  );
  t.deepEqual([...room.content.list()], []);
});

testNeeding(['root', 'mount'], 'a full disk refuses names in words, and not the removal that makes room', async (t) => {
  const root = makeTempDir('full');
  t.teardown(async () => {
    await unmountBelow(root);
    removeTree(root);
  });
  // The tables have a disk of their own: what is written beside them has no room.
  for (const [folder, size] of [
    ['', '4m'],
    ['meta', '64m'],
  ] as const) {
    mkdirSync(join(root, folder), { recursive: true });
    await exec('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', join(root, folder)]);
  }
  const room = await openRoom(t, root);
  await addImage(room, ['app:1', 'app:2']);
  fillDisk(join(root, 'filler'));
  const listing = readdirSync(root);
  const error = await t.throwsAsync(room.images.tagImage('app:1', 'app:3'), { code: 'STORE_FULL' });
  t.regex(error?.message ?? '', /no space left to write .*\/index\.json$/);
  t.deepEqual(readdirSync(root), listing, 'no half-written file stays');

  for (const name of ['app:1', 'app:3'])
    await t.throwsAsync(room.images.removeImage(name), { code: 'STORE_FULL' }, 'not the last name: nothing is freed');
  await room.images.removeImage('app:2');
  t.deepEqual(await names(room), []);
  t.deepEqual([...room.content.list()], []);
  const index: unknown = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8'));
  t.deepEqual((index as { manifests: unknown }).manifests, []);
});

function fillDisk(path: string): void {
  const fd = openSync(path, 'w');
  try {
    for (const size of [1024 * 1024, 4096]) {
      try {
        for (;;) writeSync(fd, Buffer.alloc(size));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    closeSync(fd);
  }
}
