import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { native } from '../../src/native/index.ts';
import { openStore } from '../../src/store/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

test('a store that is not there is read as empty, and is not made', async (t) => {
  const work = makeTempDir('absent');
  t.teardown(() => removeTree(work));
  const store = await openStore(join(work, 'none', 'store'), { access: 'read' });
  t.true(store.isReadOnly);
  t.deepEqual([...store.table('images').entries()], []);
  t.is(store.table('images').get('x'), undefined);
  await store.hold(['nothing']);
  await store.close();
  t.false(existsSync(join(work, 'none')));
});

test('a store on a read-only file system is read as it lies', async (t) => {
  const work = makeTempDir('readonly');
  const [root, shown] = [join(work, 'store'), join(work, 'shown')];
  const made = await openStore(root);
  await made.table('things').put('a', { n: 1 });
  await made.close();
  execFileSync('mkdir', [shown]);
  try {
    execFileSync('mount', ['--bind', root, shown]);
  } catch {
    removeTree(work);
    t.log('skipped: nothing can be mounted here');
    t.pass();
    return;
  }
  t.teardown(() => {
    execFileSync('umount', [shown]);
    removeTree(work);
  });
  execFileSync('mount', ['-o', 'remount,bind,ro', shown]);
  const error = await t.throwsAsync(openStore(shown), { code: 'STORE_UNAVAILABLE' });
  t.regex((error as { hint?: string }).hint ?? '', /read-only/);
  const store = await openStore(shown, { access: 'read' });
  t.true(store.isReadOnly);
  t.deepEqual(store.table('things').get('a'), { n: 1 });
  await store.hold(['nothing']);
  await store.close();
});

test('tables that are cut off, overwritten or gone are an error, not a crash and not a new store', async (t) => {
  for (const damage of ['cut', 'overwritten', 'empty', 'torn'] as const) {
    const root = makeTempDir('damaged');
    const made = await openStore(root);
    for (let i = 0; i < 300; i++) await made.table('things').put(`key-${i}`, { text: 'x'.repeat(200) });
    await made.close();
    const file = join(root, 'meta', 'tables.mdb');
    t.is((await native.checkTables(file)).damage, '');
    writeFileSync(join(root, 'index.json'), '{"schemaVersion":2,"manifests":[{"digest":"sha256:00"}]}');
    if (damage === 'cut') truncateSync(file, 3 * 4096);
    else if (damage === 'empty') truncateSync(file, 0);
    else if (damage === 'torn')
      execFileSync('dd', ['if=/dev/urandom', `of=${file}`, 'bs=4096', 'seek=2', 'count=20', 'conv=notrunc'], {
        stdio: 'ignore',
      });
    else writeFileSync(file, Buffer.alloc(40_000, 'damage'));
    if (damage !== 'torn') {
      const error = await t.throwsAsync(openStore(root));
      t.like(error, { code: 'STORE_DAMAGED' }, damage);
    }
    t.not((await native.checkTables(file)).damage, '', damage);
    removeTree(root);
  }
});

test('many trees are measured as du counts them', async (t) => {
  const work = makeTempDir('measure');
  t.teardown(() => removeTree(work));
  for (const name of ['a', 'b']) {
    execFileSync('mkdir', [join(work, name)]);
    for (let i = 0; i < 50; i++) writeFileSync(join(work, name, `${i}`), 'x'.repeat(i * 100));
  }
  // A file of both trees, and one of three names.
  execFileSync('ln', [join(work, 'a', '49'), join(work, 'b', 'linked')]);
  execFileSync('ln', [join(work, 'a', '48'), join(work, 'a', 'again')]);
  const paths = readdirSync(work).map((name) => join(work, name));
  const { bytes } = await native.measureTrees({ paths: [...paths, join(work, 'none')] });
  const own = Number(execFileSync('stat', ['-c', '%b', work]).toString()) * 512;
  const du = Number(execFileSync('du', ['-s', '-B1', work]).toString().split('\t')[0]);
  t.is(own + bytes.reduce((sum, each) => sum + each, 0), du);
  const [digest, missing] = await native.hashFiles({ paths: [join(work, 'a', '0'), join(work, 'none')] });
  t.is(digest, 'sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  t.is(missing, 'ENOENT');
});

test('a root that cannot be looked into is no empty store', async (t) => {
  const root = makeTempDir('closed');
  t.teardown(() => removeTree(root));
  mkdirSync(join(root, 'tsbuild-store'));
  for (const access of ['read', 'existing', 'write'] as const)
    await t.throwsAsync(openStore(root, { access }), { code: 'STORE_UNAVAILABLE' }, access);
});
