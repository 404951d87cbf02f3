import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readFileList } from '../../src/history/file-list.ts';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { makeTempDir } from '../support/temp.ts';

const select = (path: string) => ({ path, wildcard: true, followSymlinks: true });

async function hashListed(root: string, lists: string, paths: readonly string[]) {
  const selections = paths.map(select);
  const { digest } = await native.hashTree({
    root: { lowers: [root] },
    selections,
    includeOwner: false,
    listDirectory: lists,
  });
  return { digest, path: join(lists, digest.replace('sha256:', '')) };
}

function makeTree(): { root: string; lists: string } {
  const [root, lists] = [makeTempDir('list'), makeTempDir('lists')];
  mkdirSync(join(root, 'src/deep/er'), { recursive: true });
  writeFileSync(join(root, 'src/a.js'), 'a');
  writeFileSync(join(root, 'src/deep/er/b.js'), 'bb');
  writeFileSync(join(root, 'one'), '1');
  chmodSync(join(root, 'one'), 0o755);
  chmodSync(join(root, 'src/a.js'), 0o644);
  symlinkSync('a.js', join(root, 'src/link'));
  return { root, lists };
}

test('a list has what was hashed, selection by selection', async (t) => {
  const { root, lists } = makeTree();
  const { path } = await hashListed(root, lists, ['/src', '/one']);
  const list = readFileList(path);
  t.false(list?.truncated);
  const [src, one] = list?.selections ?? [];
  t.deepEqual([...(src?.keys() ?? [])], ['/', 'a.js', 'deep', 'deep/er', 'deep/er/b.js', 'link']);
  t.like(src?.get('deep/er/b.js'), { type: 'f', size: 2, xattrs: '' });
  t.is(src?.get('a.js')?.content, digestOf('a'));
  t.is(src?.get('link')?.content, 'a.js');
  t.is(one?.get('one')?.mode, 0o755);
});

test('a list that is there is not written again, only marked as used', async (t) => {
  const { root, lists } = makeTree();
  const { path } = await hashListed(root, lists, ['/src']);
  utimesSync(path, 1000, 1000);
  const { ino } = statSync(path);
  await hashListed(root, lists, ['/src']);
  t.is(statSync(path).ino, ino);
  t.true(statSync(path).mtimeMs > 1_000_000);
  t.is(readdirSync(lists).length, 1);
});

test('no directory for it: the digest is the same, and nothing is said', async (t) => {
  const { root, lists } = makeTree();
  const { digest } = await hashListed(root, join(lists, 'absent'), ['/src']);
  t.is(digest, (await hashListed(root, lists, ['/src'])).digest);
});

test('what is no list is none: cut anywhere, or any byte another', async (t) => {
  const { root, lists } = makeTree();
  const { path } = await hashListed(root, lists, ['/src']);
  const whole = readFileSync(path);
  const hostile = join(lists, 'hostile');
  for (let length = 0; length < whole.length; length++) {
    writeFileSync(hostile, whole.subarray(0, length));
    t.is(readFileList(hostile), undefined, `cut at ${length}`);
  }
  for (let at = 0; at < whole.length; at++) {
    for (const value of [0, 0x7f, 0xff]) {
      const bytes = Buffer.from(whole);
      bytes[at] = value;
      writeFileSync(hostile, bytes);
      t.notThrows(() => readFileList(hostile));
    }
  }
  t.is(readFileList(lists), undefined);
  t.is(readFileList(join(lists, 'nothing')), undefined);
});
