import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compareTrees } from './compare-images.ts';
import { exec } from './exec.ts';
import { readImage, type Tree } from './image-tree.ts';
import { writeLayout } from './layout-writer.ts';
import { testNeeding } from './needs.ts';
import { readTar } from './tar-reader.ts';
import { writeTar } from './tar-writer.ts';
import { makeTempDir, removeTree } from './temp.ts';

/** What the reader must see of it is known here, by hand: GNU tar wrote it, not the product. */
testNeeding(['root', 'tar', 'mkfifo', 'mknod', 'python3'], 'the reader sees all that GNU tar writes', async (t) => {
  const root = makeTempDir('tree');
  t.teardown(() => removeTree(root));
  const tree = join(root, 'tree');
  const long = 'n'.repeat(200);
  mkdirSync(join(tree, long, long), { recursive: true });
  writeFileSync(join(tree, 'file'), 'content', { mode: 0o4750 });
  await exec('chmod', ['4750', join(tree, 'file')]);
  await exec('python3', [
    '-c',
    `import os; os.setxattr(${JSON.stringify(join(tree, 'file'))}, "user.x", b"\\x00\\xff=\\n")`,
  ]);
  linkSync(join(tree, 'file'), join(tree, 'hard'));
  symlinkSync(`/${long}/${long}`, join(tree, 'soft'));
  writeFileSync(join(tree, long, long, 'deep'), 'deep');
  chownSync(join(tree, long, long, 'deep'), 3_000_000, 4_000_000_000);
  utimesSync(join(tree, long, long, 'deep'), 1, 1);
  await exec('mkfifo', [join(tree, 'pipe')]);
  await exec('mknod', [join(tree, 'device'), 'c', '10', '200']);
  const tar = join(root, 'tree.tar');
  await exec('tar', ['-cf', tar, '--format=posix', '--xattrs', '--xattrs-include=*', '--sort=name', '-C', tree, '.']);

  const entries = new Map([...readTar(readFileSync(tar))].map((entry) => [entry.name, entry]));
  t.is(entries.get('./file')?.mode, 0o4750);
  t.deepEqual(entries.get('./file')?.xattrs, { 'user.x': '00ff3d0a' });
  t.is(entries.get('./file')?.content.toString(), 'content');
  t.like(entries.get('./hard'), { type: 'hardlink', linkname: './file' });
  t.like(entries.get('./soft'), { type: 'symlink', linkname: `/${long}/${long}` });
  t.like(entries.get(`./${long}/${long}/deep`), { uid: 3_000_000, gid: 4_000_000_000, mtime: 1 });
  t.is(entries.get('./pipe')?.type, 'fifo');
  t.like(entries.get('./device'), { type: 'char', rdev: '10:200' });

  await exec('tar', ['-cf', tar, '--format=gnu', '-C', tree, `./${long}/${long}/deep`]);
  t.is([...readTar(readFileSync(tar))][0]?.name, `./${long}/${long}/deep`);
});

test('an image is read as its layers say, and what differs is told', async (t) => {
  const root = makeTempDir('image');
  t.teardown(() => removeTree(root));
  const read = async (name: string, make: (folder: string) => void): Promise<Tree> => {
    const folder = join(root, name);
    mkdirSync(folder, { mode: 0o755 });
    make(folder);
    await writeLayout(`${folder}.layout`, folder, {}, '1');
    return readImage(`${folder}.layout`, '1').tree;
  };
  const one = await read('one', (folder) => {
    writeFileSync(join(folder, 'a'), 'a');
    chmodSync(join(folder, 'a'), 0o644);
    linkSync(join(folder, 'a'), join(folder, 'b'));
  });
  const two = await read('two', (folder) => {
    writeFileSync(join(folder, 'a'), 'a', { mode: 0o600 });
    writeFileSync(join(folder, 'b'), 'B');
    mkdirSync(join(folder, 'only'));
  });
  t.deepEqual(compareTrees(one, one), []);
  const lines = compareTrees(one, two).map((line) => line.replace(/:.*$/, ''));
  t.deepEqual([...new Set(lines)], ['/a', '/b', '/only']);
  t.true(compareTrees(one, two).includes('/a: mode 0644 != 0600'));
  t.true(compareTrees(one, two).includes('/a: hardlinks "a" != nothing'));
});

test('a header with a wrong checksum is no entry', (t) => {
  const tar = writeTar([{ name: 'a', type: '0' }]);
  tar[0] = 0x62;
  t.throws(() => [...readTar(tar)], { message: /checksum/ });
});
