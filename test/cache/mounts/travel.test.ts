import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { exportCacheMounts } from '../../../src/cache/mounts/export.ts';
import { importChosen, removeChosen } from '../../../src/cache/mounts/library.ts';
import { listCacheMounts, listMountIds } from '../../../src/cache/mounts/list.ts';
import type { TravelContext } from '../../../src/cache/mounts/travel.ts';
import { native } from '../../../src/native/index.ts';
import { exec } from '../../support/exec.ts';
import { testNeeding } from '../../support/needs.ts';
import { startRegistry } from '../../support/registry.ts';
import { describeTree, makePlace, openTravel, takeMount, useMount } from './setting.ts';

const names = (context: TravelContext) => listMountIds(context.store).map(({ name }) => name);

/** Files of random content, which no compression makes smaller. */
function fill(data: string, count: number, bytes: number, directory = 'files'): void {
  mkdirSync(join(data, directory), { recursive: true });
  for (let i = 0; i < count; i++) writeFileSync(join(data, directory, `file-${i}`), randomBytes(bytes));
}

test('a mount arrives as it left: modes, times to the nanosecond, links, names that are no text', async (t) => {
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const place = { type: 'layout', path: makePlace(t) } as const;
  const data = await useMount(from, '/npm', async (root) => {
    fill(root, 20, 1000);
    mkdirSync(join(root, 'empty'));
    mkdirSync(join(root, 'group', 'deep'), { recursive: true });
    chmodSync(join(root, 'group'), 0o2775);
    writeFileSync(join(root, 'group', 'run'), '#!/bin/sh\n', { mode: 0o755 });
    linkSync(join(root, 'group', 'run'), join(root, 'a-first-name'));
    linkSync(join(root, 'group', 'run'), join(root, 'group', 'deep', 'third'));
    symlinkSync('../run', join(root, 'group', 'deep', 'link'));
    symlinkSync('/nowhere', join(root, 'dangling'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), 'bytes');
    await exec('touch', ['-d', '2001-02-03 04:05:06.123456789', join(root, 'group', 'run')]);
    await exec('touch', ['-d', '1969-12-31 23:59:58.25 UTC', join(root, 'files', 'file-1')]);
    await exec('touch', ['-h', '-d', '2002-02-02 02:02:02.000000001', join(root, 'dangling')]);
    await exec('touch', ['-d', '2003-03-03 03:03:03.5', join(root, 'group')]);
  });
  const exported = await exportCacheMounts(from, names(from), place);
  t.false(exported.unchanged);
  const [imported] = await importChosen(to, 'all', place, {});
  t.like(imported, { id: 'npm', upToDate: false, digest: exported.digest });
  const arrived = await useMount(to, '/npm');
  t.is(await describeTree(arrived), await describeTree(data));
  t.is(statSync(join(arrived, 'a-first-name')).ino, statSync(join(arrived, 'group/deep/third')).ino);
  // What arrived is known: neither way anything has to be packed or moved again.
  t.like(await exportCacheMounts(to, names(to), place), { unchanged: true, sentBytes: 0, digest: exported.digest });
  t.like((await importChosen(to, ['npm'], place, {}))[0], { upToDate: true });
  t.deepEqual(readdirSync(to.store.paths.ingest), []);
});

testNeeding(['root'], 'owners and attributes travel, set-id bits and capabilities of files do not', async (t) => {
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const place = { type: 'tar', path: makePlace(t, 'caches.tar') } as const;
  await useMount(from, '/c', async (root) => {
    writeFileSync(join(root, 'su'), 'x');
    await exec('chown', ['1000:2000', join(root, 'su')]);
    chmodSync(join(root, 'su'), 0o6755);
    mkdirSync(join(root, 'd'));
    chmodSync(join(root, 'd'), 0o3777);
    await exec('mkfifo', [join(root, 'pipe')]);
    await exec('python3', ['-c', 'import os,sys; os.setxattr(sys.argv[1], "user.kept", b"1")', join(root, 'su')]);
  });
  const exported = await exportCacheMounts(from, names(from), place);
  t.is(exported.mounts[0]?.specialFiles, 1);
  await importChosen(to, 'all', place, {});
  const data = await useMount(to, '/c');
  t.like(statSync(join(data, 'su')), { mode: 0o100755, uid: 1000, gid: 2000 });
  t.is(statSync(join(data, 'd')).mode & 0o7777, 0o3777);
  t.false(existsSync(join(data, 'pipe')));
  const read = await exec('python3', ['-c', 'import os,sys; print(os.listxattr(sys.argv[1]))', join(data, 'su')]);
  t.regex(read.stdout, /user\.kept/);
});

testNeeding(['docker-registry'], 'a registry gets what it lacks, and gives what the store lacks', async (t) => {
  const registry = await startRegistry();
  t.teardown(() => registry.stop());
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const place = { type: 'registry', ref: `${registry.host}/team/caches:app` } as const;
  await t.throwsAsync(importChosen(to, 'all', place, {}), { code: 'CACHE_MOUNT_NOT_FOUND' });
  // 1000 files, 30 MB.
  await useMount(from, '/go', (root) => fill(root, 1000, 30_000));
  const first = await exportCacheMounts(from, names(from), place);
  t.true(first.sentBytes > 29e6, `${first.sentBytes}`);
  t.is((await exportCacheMounts(from, names(from), place)).sentBytes, 0);
  const [whole] = await importChosen(to, 'all', place, {});
  t.true((whole?.receivedBytes ?? 0) > 29e6);

  await useMount(from, '/go', (root) => writeFileSync(join(root, 'files', 'one-more'), randomBytes(300_000)));
  const second = await exportCacheMounts(from, names(from), place);
  t.false(second.unchanged);
  // One part of about 2 MB, at most two.
  t.true(second.sentBytes < 6e6, `${second.sentBytes}`);
  const [delta] = await importChosen(to, ['go'], place, {});
  t.true((delta?.receivedBytes ?? 0) < 6e6, `${delta?.receivedBytes}`);
  t.is(await describeTree(await useMount(to, '/go')), await describeTree(await useMount(from, '/go')));
  // Removed files are gone, and the other mount of the place stays.
  await useMount(to, '/npm', (root) => fill(root, 3, 10));
  const npm = listMountIds(to.store).filter(({ id }) => id === 'npm');
  await exportCacheMounts(
    to,
    npm.map(({ name }) => name),
    place,
  );
  await useMount(from, '/go', (root) => rmSync(join(root, 'files', 'file-0')));
  await exportCacheMounts(from, names(from), place);
  const all = await importChosen(from, 'all', place, {});
  t.deepEqual(
    all.map(({ id, upToDate }) => [id, upToDate]),
    [
      ['go', true],
      ['npm', false],
    ],
  );
  await t.throwsAsync(importChosen(from, ['mpn'], place, {}), {
    code: 'CACHE_MOUNT_NOT_FOUND',
    message: /"mpn" in 127/,
  });
});

test('an exported directory holds no more than it says', async (t) => {
  const context = await openTravel(t);
  const path = makePlace(t);
  const exportAgain = async () => {
    await useMount(context, '/c', (root) => fill(root, 5, 1_500_000));
    await exportCacheMounts(context, names(context), { type: 'layout', path });
  };
  await exportAgain();
  // What an export left that was killed goes later, what one may still be writing stays.
  const left = ['.partial-1-1', `blobs/sha256/${'0'.repeat(64)}`];
  for (const name of ['.partial-1-2', ...left]) writeFileSync(join(path, name), '');
  for (const name of left) utimesSync(join(path, name), 1, 1);
  await exportAgain();
  await exportAgain();
  t.deepEqual(readdirSync(path).sort(), ['.partial-1-2', 'blobs', 'index.json', 'oci-layout']);
  const { manifests } = JSON.parse(readFileSync(join(path, 'index.json'), 'utf8')) as {
    manifests: [{ digest: string }];
  };
  t.is(manifests.length, 1);
  const blob = (digest: string): string => join(path, 'blobs', digest.replace(':', '/'));
  const { layers } = JSON.parse(readFileSync(blob(manifests[0].digest), 'utf8')) as { layers: [{ digest: string }] };
  t.is(readdirSync(join(path, 'blobs/sha256')).length, layers.length + 2);
});

test('a size is kept to: what was used longest ago stays behind, a package whole', async (t) => {
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const place = { type: 'layout', path: makePlace(t) } as const;
  await useMount(from, '/c', (root) => {
    const age = (path: string, day: number): void => utimesSync(path, day * 86_400, day * 86_400);
    for (let day = 1; day <= 10; day++) {
      const directory = join(root, 'mod', `lib@v1.${day}.0`, 'src');
      mkdirSync(directory, { recursive: true });
      for (const name of ['a', 'b']) writeFileSync(join(directory, name), randomBytes(40_000));
      // One file of an old package was used yesterday: that keeps all of it.
      age(join(directory, 'a'), day);
      age(join(directory, 'b'), day === 2 ? 100 : day);
    }
  });
  const exported = await exportCacheMounts(from, names(from), place, { maxBytes: 700_000 });
  const [mount] = exported.mounts;
  t.true((mount?.leftOut.files ?? 0) > 0);
  t.is((mount?.leftOut.files ?? 0) % 2, 0);
  t.true((mount?.blobBytes ?? 0) < 700_000);
  await importChosen(to, 'all', place, {});
  const kept = readdirSync(join(await useMount(to, '/c'), 'mod'));
  t.true(kept.includes('lib@v1.2.0') && kept.includes('lib@v1.10.0') && !kept.includes('lib@v1.1.0'), kept.join(' '));
  const smaller = await openTravel(t);
  const [capped] = await importChosen(smaller, 'all', place, { maxBytes: 300_000 });
  t.true((capped?.leftOut.files ?? 0) > 0);
  const left = readdirSync(join(await useMount(smaller, '/c'), 'mod'));
  t.true(left.length > 0 && left.length < kept.length && left.every((name) => kept.includes(name)));
});

test('replace and merge: a step that has the mount is waited for, or told of', async (t) => {
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const place = { type: 'layout', path: makePlace(t) } as const;
  await useMount(from, '/c', (root) => {
    writeFileSync(join(root, 'both'), 'theirs');
    writeFileSync(join(root, 'theirs'), '');
  });
  await exportCacheMounts(from, names(from), place);
  await useMount(to, '/c', (root) => {
    writeFileSync(join(root, 'both'), 'ours');
    mkdirSync(join(root, 'ours'));
    writeFileSync(join(root, 'ours', 'file'), '');
  });
  const step = await takeMount(to, '/c');
  await t.throwsAsync(importChosen(to, 'all', place, {}), { code: 'CACHE_MOUNT_IN_USE' });
  await t.throwsAsync(removeChosen(to, ['c']), { code: 'CACHE_MOUNT_IN_USE' });
  t.true((await listCacheMounts(to.store, native))[0]?.inUse);
  await importChosen(to, 'all', place, { mode: 'merge', wait: true, onTask: whenWaiting(() => step.release()) });
  const data = await useMount(to, '/c');
  t.deepEqual(readdirSync(data), ['both', 'ours', 'theirs']);
  t.is(readFileSync(join(data, 'both'), 'utf8'), 'theirs');
  t.deepEqual(readdirSync(join(data, 'ours')), ['file']);
  await importChosen(to, 'all', place, {});
  t.deepEqual(readdirSync(data), ['both', 'theirs']);
  t.deepEqual(await removeChosen(to, ['c']), [{ id: 'c', name: names(from)[0] ?? '' }]);
  t.deepEqual(readdirSync(to.store.paths.cacheMounts), []);
});

/** Does something once, when a task says that it waits for a step. */
function whenWaiting(act: () => void): (task: string) => void {
  let isDone = false;
  return (task) => {
    if (isDone || !task.startsWith('waiting for ')) return;
    isDone = true;
    act();
  };
}

test('an export waits for the step that has a locked mount, and has what it wrote', async (t) => {
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const place = { type: 'layout', path: makePlace(t) } as const;
  const step = await takeMount(from, '/apt', 'locked');
  writeFileSync(join(step.data, 'half'), '');
  const onTask = whenWaiting(() => {
    writeFileSync(join(step.data, 'rest'), '');
    step.release();
  });
  await exportCacheMounts(from, names(from), place, { onTask });
  await importChosen(to, 'all', place, {});
  t.deepEqual(readdirSync(await useMount(to, '/apt')), ['half', 'rest']);
});

test('a shared mount that a step works in is exported whole, or an error says so', async (t) => {
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const place = { type: 'layout', path: makePlace(t) } as const;
  const step = await takeMount(from, '/c');
  fill(step.data, 200, 20_000);
  let writes = 0;
  const writer = setInterval(
    () => writeFileSync(join(step.data, 'files', `file-${writes++ % 200}`), randomBytes(9000)),
    1,
  );
  try {
    await exportCacheMounts(from, names(from), place);
    await importChosen(to, 'all', place, {});
    const files = readdirSync(join(await useMount(to, '/c'), 'files'));
    t.is(files.length, 200);
  } catch (error) {
    t.like(error, { code: 'CACHE_MOUNT_BUSY' });
  } finally {
    clearInterval(writer);
    step.release();
  }
});

test('caches may lie on another disk: cache-mounts is a link to it', async (t) => {
  const [from, to] = [await openTravel(t), await openTravel(t)];
  const disk = makePlace(t, 'disk');
  mkdirSync(disk);
  rmSync(from.store.paths.cacheMounts, { recursive: true });
  symlinkSync(disk, from.store.paths.cacheMounts);
  const place = { type: 'layout', path: makePlace(t) } as const;
  await useMount(from, '/c', (root) => writeFileSync(join(root, 'file'), ''));
  t.is(readdirSync(disk).length, 1);
  await exportCacheMounts(from, names(from), place);
  await importChosen(from, 'all', place, { mode: 'merge' });
  await importChosen(to, 'all', place, {});
  t.deepEqual(readdirSync(await useMount(to, '/c')), ['file']);
  await removeChosen(from, 'all');
  t.deepEqual(readdirSync(disk), []);
});

test('what somebody removed from a place is forgotten, and does not stand in the way', async (t) => {
  const context = await openTravel(t);
  const path = makePlace(t);
  const place = { type: 'layout', path } as const;
  await useMount(context, '/a', (root) => fill(root, 2, 100));
  await useMount(context, '/b', (root) => fill(root, 2, 100));
  const byId = (id: string) => listMountIds(context.store).flatMap((mount) => (mount.id === id ? [mount.name] : []));
  const { mounts } = await exportCacheMounts(context, names(context), place);
  const lost = mounts.find(({ id }) => id === 'b')?.digest ?? '';
  rmSync(join(path, 'blobs', lost.replace(':', '/')));
  await exportCacheMounts(context, byId('a'), place);
  t.deepEqual(
    (await importChosen(context, 'all', place, {})).map(({ id }) => id),
    ['a'],
  );
  await exportCacheMounts(context, byId('b'), place);
  t.is((await importChosen(context, 'all', place, {})).length, 2);
});
