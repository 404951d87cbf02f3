import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { openStore } from '../../src/store/index.ts';
import { exec } from '../support/exec.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

function makeRoot(t: { teardown(end: () => void): void }): string {
  const root = makeTempDir('tables');
  t.teardown(() => removeTree(root));
  return join(root, 'store');
}

test('records come back as they went in, after the store was closed too', async (t) => {
  const root = makeRoot(t);
  const records = {
    plain: { a: 1, b: [null, 'x'] },
    'ключ ☃': { text: 'snow ☃\u0000\n' },
    long: { text: 'y'.repeat(2 ** 20) },
  };
  const first = await openStore(root);
  const table = first.table<unknown>('records');
  await Promise.all(Object.entries(records).map(([key, value]) => table.put(key, value)));
  await first.close();

  const second = await openStore(root);
  const again = second.table<unknown>('records');
  for (const [key, value] of Object.entries(records)) t.deepEqual(again.get(key), value);
  t.is(again.get('plai'), undefined);
  await again.remove('plain');
  t.is(again.get('plain'), undefined);
  t.is(second.table('other').get('long'), undefined);
  await second.close();
});

test('entries are those of the table and of the prefix, in order', async (t) => {
  const store = await openStore(makeRoot(t));
  const [table, longer] = [store.table<number>('a'), store.table<number>('aa')];
  await Promise.all(['c', 'a', 'b1', 'b0', 'b'].map((key, i) => table.put(key, i)));
  await longer.put('z', 9);
  t.deepEqual(
    [...table.entries('b')].map(({ key }) => key),
    ['b', 'b0', 'b1'],
  );
  t.deepEqual([...longer.entries()], [{ key: 'z', value: 9 }]);
  t.deepEqual([...store.table('none').entries()], []);
  await store.close();
});

test('of what is written to one key at once, the last stays', async (t) => {
  const store = await openStore(makeRoot(t));
  const table = store.table<number>('t');
  const writes = [
    table.put('k', 1),
    table.update('k', (current = 0) => current * 10),
    table.put('k', 3),
    table.put('k', 4),
  ];
  await Promise.all(writes);
  t.is(table.get('k'), 4);
  t.is(await table.update('k', () => undefined), undefined);
  t.is(table.get('k'), undefined);
  await store.close();
});

test('an update whose question throws writes nothing and holds nobody up', async (t) => {
  const store = await openStore(makeRoot(t));
  const table = store.table<number>('t');
  const failed = table.update('k', () => {
    throw new Error('no');
  });
  const next = table.put('k', 2);
  await t.throwsAsync(failed, { message: 'no' });
  await next;
  t.is(table.get('k'), 2);
  await t.throwsAsync(table.put('x'.repeat(600), 1), { code: 'STORE_KEY_TOO_LONG' });
  await store.close();
});

test('a decision sees those before it, whether they are committed or not', async (t) => {
  const store = await openStore(makeRoot(t));
  const table = store.table<number>('t');
  await Promise.all(['a', 'b', 'd'].map((key) => table.put(key, 0)));
  const keys = () => [...table.entries()].map(({ key }) => key);
  let seen: readonly string[] = [];
  const removed = table.remove('b');
  const added = table.put('c', 1);
  const decided = table.update('e', () => {
    seen = keys();
    return table.get('c');
  });
  t.deepEqual(keys(), ['a', 'b', 'd']);
  await Promise.all([removed, added, decided]);
  t.deepEqual(seen, ['a', 'c', 'd']);
  t.is(table.get('e'), 1);
  await store.close();
});

test('one process may open a store many times', async (t) => {
  const root = makeRoot(t);
  const [first, second] = await Promise.all([openStore(root), openStore(`${root}/../store`)]);
  await first.table<number>('t').put('k', 1);
  t.is(second.table<number>('t').get('k'), 1);
  await first.close();
  await second.table<number>('t').update('k', (current = 0) => current + 1);
  t.is(second.table<number>('t').get('k'), 2);
  await second.close();
});

test('a store that was closed is open no more: who opens it again has the file that lies there', async (t) => {
  const root = makeRoot(t);
  for (let round = 0; round < 100; round++) {
    const store = await openStore(root);
    t.is(store.table('t').get('k'), undefined, `round ${round}`);
    await store.table('t').put('k', round);
    await store.close();
    for (const file of ['tables.mdb', 'tables.mdb-lock']) rmSync(join(root, 'meta', file));
  }
});

test('nothing of the store is open in processes that are started from here', async (t) => {
  const root = makeRoot(t);
  const store = await openStore(root);
  await store.table<number>('t').put('k', 1);
  const { stdout } = await exec('/bin/sh', ['-c', 'ls -l /proc/self/fd']);
  t.false(stdout.includes(root), stdout);
  await store.close();
});

test('updates of many processes are not lost', async (t) => {
  const root = makeRoot(t);
  const counter = resolve(import.meta.dirname, 'counter.js');
  const [processes, times] = [4, 25];
  await (await openStore(root)).close();
  await Promise.all(Array.from({ length: processes }, () => exec(process.execPath, [counter, root, String(times)])));
  const store = await openStore(root);
  t.is(store.table<number>('counters').get('shared'), processes * times);
  await store.close();
});

/** A commit that takes long between the moment it is in the file and the moment readers are told of it. */
const SLOW_COMMIT = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
static ssize_t slow(const char *name, int fd, const void *bytes, size_t size, off_t offset) {
  ssize_t (*write)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, name);
  ssize_t written = write(fd, bytes, size, offset);
  if (size < 400 && offset < 8192) usleep(3000);  // a meta page of LMDB
  return written;
}
ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) { return slow("pwrite", fd, bytes, size, offset); }
ssize_t pwrite64(int fd, const void *bytes, size_t size, off_t offset) { return slow("pwrite64", fd, bytes, size, offset); }
`;

test('an update that reads while another process commits is decided again', async (t) => {
  const root = makeRoot(t);
  const counter = resolve(import.meta.dirname, 'counter.js');
  const [processes, times] = [4, 100];
  await (await openStore(root)).close();
  const preload = `${root}-slow.so`;
  await exec('cc', ['-shared', '-fPIC', '-o', preload, '-x', 'c', '-'], { input: SLOW_COMMIT });
  const env = { LD_PRELOAD: preload };
  await Promise.all(
    Array.from({ length: processes }, () => exec(process.execPath, [counter, root, String(times)], { env })),
  );
  const store = await openStore(root);
  t.is(store.table<number>('counters').get('shared'), processes * times);
  await store.close();
});

test('nothing of what memory held before gets into the file', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const root = makeRoot(t);
  const store = await openStore(root);
  const table = store.table<string>('records');
  for (let round = 0; round < 20; round++) {
    // As long as pages are: what is freed here is what they are made of.
    for (let i = 0; i < 200; i++) Buffer.allocUnsafeSlow(4096).fill('left-behind ');
    collectGarbage();
    await Promise.all(Array.from({ length: 20 }, (_, i) => table.put(`${round}-${i}`, 'x'.repeat(50 * i))));
  }
  await store.close();
  t.false(readFileSync(join(root, 'meta/tables.mdb')).includes('left-behind'));
});
