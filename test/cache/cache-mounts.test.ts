import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type CacheMountRequest, createCacheMounts } from '../../src/cache/index.ts';
import { native } from '../../src/native/index.ts';
import { openStore } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const request = (more: Partial<CacheMountRequest> = {}): CacheMountRequest => ({
  id: '/root/.cache',
  sharing: 'shared',
  mode: 0o755,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  signal: new AbortController().signal,
  ...more,
});

async function openMounts() {
  const root = makeTempDir('mounts');
  const store = await openStore(root);
  const close = async () => {
    await store.close();
    removeTree(root);
  };
  return { root, store, close, mounts: createCacheMounts(store, native) };
}

const isPending = async (promise: Promise<unknown>) => {
  const marker = {};
  const pause = new Promise((resolve) => setTimeout(resolve, 150, marker));
  return (await Promise.race([promise, pause])) === marker;
};

test('a shared cache is one directory for all, and stays', async (t) => {
  const { mounts, close } = await openMounts();
  const [one, two] = await Promise.all([mounts.acquire(request()), mounts.acquire(request())]);
  t.deepEqual(one.mount, two.mount);
  t.deepEqual(one.mount.lowers, []);
  writeFileSync(join(one.mount.upper ?? '', 'file'), 'kept');
  one.release();
  two.release();
  const three = await mounts.acquire(request());
  t.is(readFileSync(join(three.mount.upper ?? '', 'file'), 'utf8'), 'kept');
  await close();
});

test('another id, owner, mode or first content is another cache; an id cannot leave the store', async (t) => {
  const { root, mounts, close } = await openMounts();
  const seed = { name: 'tree 1', fill: async () => {} };
  const requests = [{}, { id: '../../../etc' }, { mode: 0o700 }, { seed }, { seed: { ...seed, name: 'tree 2' } }];
  const leases = await Promise.all(requests.map((more) => mounts.acquire(request(more))));
  const directories = leases.map(({ mount }) => mount.upper ?? '');
  t.is(new Set(directories).size, requests.length);
  for (const directory of directories) t.true(directory.startsWith(join(root, 'cache-mounts/')));
  t.is(statSync(directories[2] ?? '').mode & 0o7777, 0o700);
  await close();
});

test('a locked cache waits for its holder, and an abort ends the wait', async (t) => {
  const { mounts, close } = await openMounts();
  const holder = await mounts.acquire(request({ sharing: 'locked' }));
  const controller = new AbortController();
  const given = mounts.acquire(request({ sharing: 'locked', signal: controller.signal }));
  const waiting = mounts.acquire(request({ sharing: 'locked' }));
  t.true(await isPending(waiting));
  controller.abort(new Error('Ctrl-C'));
  await t.throwsAsync(given, { message: 'Ctrl-C' });
  holder.release();
  t.deepEqual((await waiting).mount, holder.mount);
  await close();
});

test('a private cache that is in use is passed over for another one', async (t) => {
  const { mounts, close } = await openMounts();
  const one = await mounts.acquire(request({ sharing: 'private' }));
  const two = await mounts.acquire(request({ sharing: 'private' }));
  t.notDeepEqual(one.mount, two.mount);
  one.release();
  t.deepEqual((await mounts.acquire(request({ sharing: 'private' }))).mount, one.mount);
  await close();
});

test('a new cache is filled once; one whose filling failed is filled again', async (t) => {
  const { mounts, close } = await openMounts();
  let filled = 0;
  const seed = (fail: boolean) => ({
    name: 'tree',
    async fill({ upper = '' }: { readonly upper?: string }) {
      t.false(existsSync(join(upper, 'file')));
      writeFileSync(join(upper, 'file'), 'start');
      filled += 1;
      if (fail) throw new Error('disk full');
    },
  });
  await t.throwsAsync(mounts.acquire(request({ seed: seed(true) })), { message: 'disk full' });
  const leases = await Promise.all([1, 2, 3].map(() => mounts.acquire(request({ seed: seed(false) }))));
  t.is(filled, 2);
  t.is(readFileSync(join(leases[0]?.mount.upper ?? '', 'file'), 'utf8'), 'start');
  await close();
});

test('a process that is killed lets go of its cache', async (t) => {
  const { root, mounts, close } = await openMounts();
  const module = (path: string) => JSON.stringify(join(import.meta.dirname, '../../src', path));
  const script = `
    const { openStore } = await import(${module('store/index.js')});
    const { native } = await import(${module('native/index.js')});
    const { createCacheMounts } = await import(${module('cache/index.js')});
    const mounts = createCacheMounts(await openStore(${JSON.stringify(root)}), native);
    const request = ${JSON.stringify({ ...request({ sharing: 'locked' }), signal: undefined })};
    await mounts.acquire({ ...request, signal: new AbortController().signal });
    console.log('held');
    setInterval(() => {}, 1000);`;
  mkdirSync(root, { recursive: true });
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  const waiting = mounts.acquire(request({ sharing: 'locked' }));
  t.true(await isPending(waiting));
  child.kill('SIGKILL');
  (await waiting).release();
  await close();
});
