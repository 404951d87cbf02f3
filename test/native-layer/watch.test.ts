import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isNativeError, native } from '../../src/native/index.ts';
import type { JobWatch } from '../../src/native/types.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTestDir } from './tree.ts';

const FILES = 2000;
const CONTENT = 'x'.repeat(1000);
const COPY = {
  type: 'copy',
  source: 0,
  src: '/',
  dest: '/',
  followSymlinks: true,
  dirCopyContents: true,
  allowWildcard: false,
  allowEmptyWildcard: false,
  createDestPath: true,
  attemptUnpack: false,
} as const;
const ALL = [{ path: '/', wildcard: false, followSymlinks: true }];

function makeFiles(root: string): string {
  mkdirSync(root);
  for (let i = 0; i < FILES; i++) {
    const folder = join(root, String(i % 20));
    if (i < 20) mkdirSync(folder);
    writeFileSync(join(folder, `f${i}`), CONTENT);
  }
  return root;
}

testNeeding(['root'], 'a watch counts what a job has read or written', async (t) => {
  const base = makeTestDir(t);
  const root = { lowers: [makeFiles(join(base, 'source'))] };
  const upper = join(base, 'target');
  mkdirSync(upper);
  const [hashing, copying] = [native.createWatch(), native.createWatch()];
  t.deepEqual(hashing.progress(), { files: 0, bytes: 0 });
  await native.hashTree({ root, selections: ALL, includeOwner: false, watch: hashing });
  await native.changeTree({ root: { lowers: [], upper }, sources: [{ root }], actions: [COPY], watch: copying });
  const all = { files: FILES, bytes: FILES * CONTENT.length };
  t.deepEqual([hashing.progress(), copying.progress()], [all, all]);
});

testNeeding(['root', 'tar'], 'an archive that is unpacked is watched too', async (t) => {
  const base = makeTestDir(t);
  makeFiles(join(base, 'source'));
  mkdirSync(join(base, 'archive'));
  await exec('tar', ['-cf', join(base, 'archive/a.tar'), '-C', join(base, 'source'), '.']);
  const unpack = (name: string, watch: JobWatch) => {
    mkdirSync(join(base, name));
    return native.changeTree({
      root: { lowers: [], upper: join(base, name) },
      sources: [{ root: { lowers: [join(base, 'archive')] } }],
      actions: [{ ...COPY, src: '/a.tar', attemptUnpack: true }],
      watch,
    });
  };
  const counted = native.createWatch();
  await unpack('whole', counted);
  t.true(counted.progress().bytes > FILES * CONTENT.length);
  const cancelled = native.createWatch();
  setTimeout(() => cancelled.cancel(), 3);
  try {
    await unpack('part', cancelled);
    t.is(cancelled.progress().bytes, counted.progress().bytes, 'a quick machine was done before');
  } catch (error) {
    t.true(isNativeError(error) && error.code === 'ECANCELED', String(error));
  }
});

testNeeding(['root'], 'a job that is cancelled ends at once, whenever that is', async (t) => {
  const base = makeTestDir(t);
  const root = { lowers: [makeFiles(join(base, 'source'))] };
  for (const after of [0, 1, 3, 10]) {
    const upper = join(base, `target-${after}`);
    mkdirSync(upper);
    const watches = [native.createWatch(), native.createWatch()] as const;
    const jobs = [
      native.hashTree({ root, selections: ALL, includeOwner: false, watch: watches[0] }),
      native.changeTree({ root: { lowers: [], upper }, sources: [{ root }], actions: [COPY], watch: watches[1] }),
    ];
    setTimeout(() => {
      for (const watch of watches) watch.cancel();
    }, after);
    for (const [i, outcome] of (await Promise.allSettled<unknown>(jobs)).entries()) {
      // On a quick machine it may have been done before.
      if (outcome.status === 'fulfilled') t.is(watches[i]?.progress().files, FILES);
      else t.true(isNativeError(outcome.reason) && outcome.reason.code === 'ECANCELED', String(outcome.reason));
    }
  }
  const watch = native.createWatch();
  watch.cancel();
  const early = native.hashTree({ root, selections: ALL, includeOwner: false, watch });
  t.like(await t.throwsAsync(early), { code: 'ECANCELED' });
});
