// How the content of a user's directory enters keys: looked at once for all steps, and once more after each copy.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LocalResult } from '../../src/llb/results.ts';
import { native } from '../../src/native/index.ts';
import type { FindPathsRequest, HashTreeRequest, HashTreesRequest, ListTreeRequest } from '../../src/native/types.ts';
import { createContentReader } from '../../src/ops/content.ts';
import type { ReadSelection } from '../../src/ops/selections.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const select = (path: string): readonly ReadSelection[] => [
  { path, wildcard: true, followSymlinks: true, mayBeMissing: false },
];

test('steps that read one context see it as one, and a change is told after the copy', async (t) => {
  const work = makeTempDir('content');
  t.teardown(() => removeTree(work));
  const directory = join(work, 'context');
  mkdirSync(join(directory, 'd'), { recursive: true });
  writeFileSync(join(directory, 'd/f'), 'one');
  const requests: HashTreesRequest[] = [];
  const counting = {
    createWatch: () => native.createWatch(),
    createTreeMemo: () => native.createTreeMemo(),
    findPaths: (request: FindPathsRequest) => native.findPaths(request),
    listTree: (request: ListTreeRequest) => native.listTree(request),
    hashTree: (request: HashTreeRequest) => native.hashTree(request),
    hashTrees: (request: HashTreesRequest) => {
      requests.push(request);
      return native.hashTrees(request);
    },
  };
  const noSnapshots = {
    view: () => {
      throw new Error('there are none');
    },
  };
  const reader = createContentReader(counting, noSnapshots, join(work, 'stat-cache'), undefined);
  const user = { signal: new AbortController().signal };
  const local: LocalResult = { kind: 'local', directory };
  const whole = await reader.digest(local, select('/'), user);
  writeFileSync(join(directory, 'd/f'), 'two');
  // The next step's key is made of what the first one saw.
  const inside = await reader.digest(local, select('/d'), user);
  t.is(requests[0]?.memo, requests[1]?.memo);
  t.is(await reader.digest(local, select('/'), user), whole);
  await t.throwsAsync(reader.verify(local, select('/d'), user), { code: 'CONTEXT_CHANGED' });
  // Another solve begins anew.
  const again: LocalResult = { kind: 'local', directory };
  t.not(await reader.digest(again, select('/d'), user), inside);
  await t.notThrowsAsync(reader.verify(again, select('/d'), user));
});

test('what is asked of a context in one turn is one job, and each has its own answer', async (t) => {
  const work = makeTempDir('content');
  t.teardown(() => removeTree(work));
  const directory = join(work, 'context');
  for (const name of ['a', 'b']) mkdirSync(join(directory, name), { recursive: true });
  writeFileSync(join(directory, 'a/f'), 'one');
  writeFileSync(join(directory, 'b/f'), 'one');
  let jobs = 0;
  const counting = {
    ...native,
    createWatch: () => native.createWatch(),
    createTreeMemo: () => native.createTreeMemo(),
    hashTrees: (request: HashTreesRequest) => {
      jobs++;
      return native.hashTrees(request);
    },
  };
  const reader = createContentReader(counting, { view: () => ({ lowers: [] }) }, join(work, 'stat-cache'), undefined);
  const user = { signal: new AbortController().signal };
  const local: LocalResult = { kind: 'local', directory };
  const escaping = select('/a/'.repeat(2000));
  const [a, b, failed, file] = await Promise.allSettled([
    reader.digest(local, select('/a'), user),
    reader.digest(local, select('/b'), user),
    reader.digest(local, escaping, user),
    reader.digest(local, select('/a/f'), user),
  ]);
  t.is(jobs, 1);
  t.is(a.status === 'fulfilled' && a.value, b.status === 'fulfilled' && b.value);
  t.is(failed.status, 'rejected');
  t.is(file.status, 'fulfilled');
});
