import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { isNativeError, native } from '../../src/native/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTestDir, makeTree } from './tree.ts';

test('removeTree: several may remove the same tree, and measure it meanwhile', async (t) => {
  const work = makeTestDir(t);
  for (let round = 0; round < 50; round++) {
    const tree = join(work, `${round}`);
    for (let i = 0; i < 40; i++) mkdirSync(join(tree, `${i}/a/b`), { recursive: true });
    await Promise.all([
      ...[1, 2, 3, 4].map(() => native.removeTree(tree)),
      ...[1, 2].map(() => native.measureTrees({ paths: [tree] })),
    ]);
    t.false(existsSync(tree));
  }
});

test('removeTree: removes whatever is there, follows nothing, and does not mind what is not there', async (t) => {
  const root = makeTestDir(t);
  const outside = join(root, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'keep'), 'keep');
  const tree = join(root, 'tree');
  mkdirSync(join(tree, 'a/b'), { recursive: true, mode: 0o500 });
  symlinkSync(outside, join(tree, 'link'));
  await native.removeTree(tree);
  t.false(existsSync(tree));
  t.true(existsSync(join(outside, 'keep')));
  await native.removeTree(tree);
  await native.removeTree(join(outside, 'keep', 'no'));
  await native.removeTree(join(outside, 'keep'));
  t.false(existsSync(join(outside, 'keep')));
});

/** Directories within each other, more than any path can name; each `d` but the last also holds a file. */
async function makeDeepTree(root: string, levels: number): Promise<void> {
  const script =
    'import os, sys\nos.chdir(sys.argv[1])\nfor i in range(int(sys.argv[2])):\n' +
    ' os.mkdir("d"); open("f", "w").close(); os.chdir("d")';
  mkdirSync(root, { recursive: true });
  await exec('python3', ['-c', script, root, String(levels)]);
}

testNeeding(['python3'], 'removeTree: removes a tree of any depth', async (t) => {
  const root = makeTestDir(t);
  const tree = join(root, 'tree');
  // One that an interrupted removal left.
  await makeDeepTree(join(tree, '.tsbuild-deep-0'), 300);
  await makeDeepTree(tree, 12_000);
  await native.removeTree(tree);
  t.false(existsSync(tree));
});

testNeeding(['python3'], 'a tree that is too deep is an error of every walk, and does no harm', async (t) => {
  const root = makeTestDir(t);
  const [deep, fine, target] = ['deep', 'fine', 'target'].map((name) => join(root, name)) as [string, string, string];
  mkdirSync(target);
  await makeDeepTree(deep, 12_000);
  await makeDeepTree(fine, 1990);
  const tree = (upper: string) => ({ lowers: [], upper, work: '' });
  const sink = openSync('/dev/null', 'w');
  t.teardown(() => closeSync(sink));
  const everything = { path: '/', wildcard: false, followSymlinks: false };
  const copy = {
    type: 'copy',
    source: 0,
    src: '/',
    dest: '/copy/',
    followSymlinks: false,
    dirCopyContents: true,
    allowWildcard: false,
    allowEmptyWildcard: false,
    createDestPath: true,
    attemptUnpack: false,
  } as const;
  const walks: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    hash: (path) => native.hashTree({ root: tree(path), selections: [everything], includeOwner: false }),
    copy: (path) => native.changeTree({ root: tree(target), sources: [{ root: tree(path) }], actions: [copy] }),
    pack: (path) => native.packTree({ root: tree(path), outputFd: sink }),
  };
  for (const [name, walk] of Object.entries(walks)) {
    await t.notThrowsAsync(walk(fine), name);
    const error = await t.throwsAsync(walk(deep), undefined, name);
    t.is(isNativeError(error) ? error.code : error?.message, 'TREE_TOO_DEEP', name);
  }
  for (const path of [deep, fine, target]) await native.removeTree(path);
});

testNeeding(['root', 'unshare'], 'removeTree: stops at a mount point', async (t) => {
  const root = makeTestDir(t);
  const point = join(root, 'tree', 'mnt');
  mkdirSync(point, { recursive: true });
  const script = `mount -t tmpfs none "$1" && echo x >"$1/x" && node --input-type=module -e "
    import { native } from '${join(import.meta.dirname, '../../src/native/index.js')}';
    await native.removeTree('${join(root, 'tree')}').then(() => console.log('removed'), (e) => console.log(e.code));
  " && cat "$1/x"`;
  const { stdout } = await exec('unshare', ['-m', 'sh', '-c', script, 'sh', point]);
  t.is(stdout, 'EXDEV\nx\n');
});

testNeeding(['python3'], 'measureTree: counts each file once, holes not at all', async (t) => {
  const root = makeTestDir(t);
  const tree = await makeTree(join(root, 'tree'), [
    { path: 'a', type: 'file', content: 'x'.repeat(8192) },
    { path: 'b', type: 'hardlink', link: 'a' },
    { path: 'hole', type: 'file', size: 1_000_000 },
  ]);
  const { bytes, files } = await native.measureTree(tree);
  t.is(files, 2);
  t.is(bytes, 8192);
});

test('syncFileSystem: of what is not there is an error with its path', async (t) => {
  const root = makeTestDir(t);
  await native.syncFileSystem(root);
  const error = await t.throwsAsync(native.syncFileSystem(join(root, 'no')));
  t.true(isNativeError(error));
  t.like(error, { code: 'ENOENT', syscall: 'open', path: join(root, 'no') });
});

test('lockFile: one holder, released by hand', async (t) => {
  const path = join(makeTestDir(t), 'lock');
  const exclusive = { path, exclusive: true, wait: false };
  const first = await native.lockFile(exclusive);
  t.truthy(first);
  t.is(await native.lockFile(exclusive), undefined);
  t.is(await native.lockFile({ ...exclusive, exclusive: false }), undefined);
  const waiting = native.lockFile({ ...exclusive, wait: true });
  first?.release();
  first?.release();
  const second = await waiting;
  t.is(await native.lockFile(exclusive), undefined, 'a second release is none of the next holder');
  second?.release();
  const readers = await Promise.all([1, 2, 3].map(() => native.lockFile({ ...exclusive, exclusive: false })));
  t.true(readers.every((lock) => lock !== undefined));
});

test('lockFile: a file that was replaced while we waited is not the one that is locked', async (t) => {
  const path = join(makeTestDir(t), 'lock');
  const first = await native.lockFile({ path, exclusive: true, wait: true });
  const waiting = native.lockFile({ path, exclusive: true, wait: true });
  await new Promise((resolve) => setTimeout(resolve, 50));
  rmSync(path);
  first?.release();
  const second = await waiting;
  t.true(existsSync(path));
  t.is(await native.lockFile({ path, exclusive: true, wait: false }), undefined);
  second?.release();
});

test('lockFile: goes with the process that held it, and its children do not keep it', async (t) => {
  const path = join(makeTestDir(t), 'lock');
  const program = `
    import { spawn } from 'node:child_process';
    import { native } from '${join(import.meta.dirname, '../../src/native/index.js')}';
    await native.lockFile({ path: ${JSON.stringify(path)}, exclusive: true, wait: true });
    const child = spawn('sleep', ['30'], { stdio: 'ignore', detached: true });
    child.unref();
    console.log(child.pid);
    setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(holder.stdout, 'data')) as [Buffer];
  const sleeper = Number(line.toString());
  t.teardown(() => process.kill(sleeper));
  t.is(await native.lockFile({ path, exclusive: true, wait: false }), undefined);
  holder.kill('SIGKILL');
  t.truthy(await native.lockFile({ path, exclusive: true, wait: true }));
});
