import { existsSync, mkdirSync, readdirSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { removeBuild, removeOldBuilds, shouldRemoveBuilds } from '../../src/history/retention.ts';
import { native } from '../../src/native/index.ts';
import { makeTempDir } from '../support/temp.ts';
import { makeRecord } from './records.ts';

const idOf = (number: number): string => `20260102T0304${String(number).padStart(2, '0')}-0123abcd`;
const LIMITS = { builds: 50, projects: 0, bytes: 1e9, listBytes: 1e9 };

interface Kept {
  readonly logBytes: number;
  readonly project?: string;
  readonly lists?: readonly string[];
  readonly plan?: string;
}

function makeBuilds(kept: readonly Kept[]): { readonly builds: string; readonly logs: string } {
  const root = makeTempDir('builds');
  const paths = { builds: join(root, 'builds'), logs: join(root, 'logs') };
  for (const directory of ['builds/lists', 'builds/plans', 'logs'])
    mkdirSync(join(root, directory), { recursive: true });
  for (const [index, { logBytes, ...record }] of kept.entries()) {
    const id = idOf(index);
    mkdirSync(join(paths.builds, id));
    writeFileSync(join(paths.builds, id, 'record.json'), JSON.stringify(makeRecord({ id, ...record })));
    writeFileSync(join(paths.logs, `${id}.log`), '');
    truncateSync(join(paths.logs, `${id}.log`), logBytes);
  }
  return paths;
}

const idsIn = (paths: { readonly builds: string }): string[] =>
  readdirSync(paths.builds)
    .filter((name) => name.startsWith('2'))
    .sort();

test('the newest builds are kept with their logs, by count and by size', async (t) => {
  const paths = makeBuilds(Array.from({ length: 6 }, () => ({ logBytes: 10_000 })));
  writeFileSync(join(paths.logs, 'notes.log'), '');
  writeFileSync(join(paths.logs, `${idOf(99)}.log`), 'of a build without a record');
  await removeOldBuilds(paths, native, { ...LIMITS, builds: 5 });
  t.deepEqual(idsIn(paths), [2, 3, 4, 5].map(idOf));
  t.deepEqual(readdirSync(paths.logs).sort(), [
    ...[2, 3, 4, 5, 99].map((number) => `${idOf(number)}.log`),
    'notes.log',
  ]);
  await removeOldBuilds(paths, native, { ...LIMITS, bytes: 25_000 });
  t.deepEqual(idsIn(paths), [4, 5].map(idOf));
  await removeBuild(paths, idOf(99), native);
  await removeOldBuilds(paths, native, { ...LIMITS, bytes: 5 });
  t.deepEqual(idsIn(paths), [idOf(5)]);
});

test('beyond the newest builds the last of each project stays', async (t) => {
  const projects = ['a', 'b', 'a', 'a', 'c', 'a', 'a'];
  const paths = makeBuilds(projects.map((project) => ({ logBytes: 1, project: `sha256:${project.repeat(64)}` })));
  await removeOldBuilds(paths, native, { ...LIMITS, builds: 2, projects: 10 });
  t.deepEqual(idsIn(paths), [1, 4, 5, 6].map(idOf));
});

test('a build that runs stays, and does not push others out', async (t) => {
  const paths = makeBuilds([5000, 10, 10].map((logBytes) => ({ logBytes })));
  const path = join(paths.logs, `${idOf(0)}.log`);
  const running = await native.lockFile({ path, exclusive: true, wait: false });
  t.false(await removeBuild(paths, idOf(0), native));
  await removeOldBuilds(paths, native, { ...LIMITS, builds: 2 });
  t.deepEqual(idsIn(paths), [0, 1, 2].map(idOf));
  running?.release();
  await removeOldBuilds(paths, native, { ...LIMITS, builds: 2 });
  t.deepEqual(idsIn(paths), [1, 2].map(idOf));
  t.false(existsSync(path));
});

test('lists and plans go with the last build that refers to them, and the oldest lists when there are too many', async (t) => {
  const [used, plan] = ['a'.repeat(64), 'b'.repeat(64)];
  const paths = makeBuilds([{ logBytes: 1 }, { logBytes: 1, lists: [used, 'd'.repeat(64)], plan }]);
  const files = [join(paths.builds, 'lists', used), join(paths.builds, 'plans', plan)];
  const unused = [join(paths.builds, 'lists', 'c'.repeat(64)), join(paths.builds, 'plans', 'c'.repeat(64))];
  const newer = join(paths.builds, 'lists', 'd'.repeat(64));
  for (const path of [...files, ...unused, newer]) {
    writeFileSync(path, 'x'.repeat(100));
    utimesSync(path, 1000, path === newer ? 2000 : 1000);
  }
  await removeOldBuilds(paths, native, LIMITS);
  t.deepEqual(
    [...files, ...unused].map((path) => existsSync(path)),
    [true, true, false, false],
  );
  await removeOldBuilds(paths, native, { ...LIMITS, listBytes: 150 });
  t.deepEqual(
    [used, 'd'.repeat(64)].map((name) => existsSync(join(paths.builds, 'lists', name))),
    [false, true],
  );
});

test('builds are looked at when there are some too many, or when the newest is large', (t) => {
  const paths = makeBuilds([{ logBytes: 1 }]);
  const own = join(paths.logs, `${idOf(0)}.log`);
  t.false(shouldRemoveBuilds(paths, idOf(0)));
  truncateSync(own, 17 * 1024 ** 2);
  t.true(shouldRemoveBuilds(paths, idOf(0)));
  truncateSync(own, 1);
  for (let number = 1; number < 60; number++) writeFileSync(join(paths.logs, `${idOf(number)}.log`), '');
  t.true(shouldRemoveBuilds(paths, idOf(0)));
  writeFileSync(join(paths.logs, `${idOf(60)}.log`), '');
  t.false(shouldRemoveBuilds(paths, idOf(0)));
});
