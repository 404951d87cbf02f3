import { spawn } from 'node:child_process';
import { once, setMaxListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { createClaims, sweepClaims } from '../../src/cache/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { openStore } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const id = digestOf('identity');
const never = new AbortController().signal;
setMaxListeners(0, never);

async function openClaims(root = makeTempDir('claims')) {
  const store = await openStore(root);
  const close = async () => {
    await store.close();
    removeTree(root);
  };
  const files = () => readdirSync(store.paths.locks).filter((name) => name.startsWith('claim-'));
  return { root, store, files, close, claims: createClaims(store) };
}

test('one has a claim at a time, within a process too; who waits gets it, and no file is left', async (t) => {
  const { store, claims, files, close } = await openClaims();
  const first = await claims.tryTake(id);
  t.truthy(first);
  t.is(await createClaims(store).tryTake(id), undefined);
  const other = await claims.tryTake(digestOf('other'));
  t.truthy(other);
  other?.release();
  // Whoever waits is told so, which is when the first lets go of it.
  let told = 0;
  const second = await claims.take(id, never, () => {
    if (told++ === 0) first?.release();
  });
  t.true(told > 0);
  t.is(await claims.tryTake(id), undefined);
  second.release();
  t.deepEqual(files(), []);
  await close();
});

test('an abort ends a wait', async (t) => {
  const { claims, files, close } = await openClaims();
  const held = await claims.tryTake(id);
  const controller = new AbortController();
  const waiting = claims.take(id, controller.signal, () => controller.abort(new Error('enough')));
  await t.throwsAsync(waiting, { message: 'enough' });
  held?.release();
  t.deepEqual(files(), []);
  await close();
});

test('many at once get it one after the other', async (t) => {
  const { claims, files, close } = await openClaims();
  let now = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 30 }, async () => {
      const claim = await claims.take(id, never, () => {});
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      claim.release();
    }),
  );
  t.is(most, 1);
  t.deepEqual(files(), []);
  await close();
});

test('a process that is killed lets go of what it has, and a sweep removes what it leaves', async (t) => {
  const { root, store, claims, files, close } = await openClaims();
  const [cache, stores] = ['../../src/cache/index.js', '../../src/store/index.js'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const script = `
    const { createClaims } = await import(${JSON.stringify(cache)});
    const { openStore } = await import(${JSON.stringify(stores)});
    const claims = createClaims(await openStore(${JSON.stringify(root)}));
    await claims.tryTake(${JSON.stringify(id)});
    await claims.tryTake(${JSON.stringify(digestOf('other'))});
    console.log('has it');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout, 'data');
  await sweepClaims(store);
  t.is(files().length, 2, 'what is held stays');
  t.is(await claims.tryTake(id), undefined);
  const waiting = claims.take(id, never, () => {});
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  const claim = await waiting;
  // The kernel lets go of its files one after another: of the second perhaps a moment after the first.
  await ended;
  await sweepClaims(store);
  t.is(files().length, 1);
  claim.release();
  t.deepEqual(files(), []);
  await close();
});
