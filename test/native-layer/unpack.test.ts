import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { isNativeError, native } from '../../src/native/index.ts';
import type { UnpackLayerResult } from '../../src/native/types.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { paxRecords, type RawMember, rawTar } from './raw-tar.ts';
import { belowRoot, makeTestDir, makeTree, readTree, withoutTimes } from './tree.ts';

const dir = (name: string): RawMember => ({ name, type: '5', mode: 0o755 });
const file = (name: string, content = name): RawMember => ({ name, content });
/** A directory whose name is too long for a header. */
const deep = (path: string): RawMember[] => [{ name: 'p', type: 'x', content: paxRecords({ path }) }, dir('d')];

async function unpack(
  t: ExecutionContext,
  blob: Uint8Array,
  lowers?: readonly string[],
): Promise<{ readonly root: string; readonly target: string; readonly result: UnpackLayerResult }> {
  const root = makeTestDir(t);
  const path = join(root, 'blob');
  writeFileSync(path, blob);
  const target = await makeTree(join(root, 'target'), []);
  const result = await native.unpackLayer({
    blob: path,
    compression: 'auto',
    target,
    ...(lowers === undefined ? {} : { lowers }),
  });
  return { root, target, result };
}

async function codeOf(t: ExecutionContext, work: Promise<unknown>): Promise<string> {
  const error = await t.throwsAsync(work);
  return isNativeError(error) ? error.code : `not a native error: ${error}`;
}

testNeeding(['root', 'python3', 'tar'], 'unpack: what GNU tar packs, in each of its formats', async (t) => {
  const root = makeTestDir(t);
  const tree = await makeTree(join(root, 'tree'), [
    { path: 'd', type: 'dir', mode: 0o2775, gid: 7, mtime: 1e9 },
    { path: 'd/f', type: 'file', content: 'f', uid: 1000, gid: 1000, mode: 0o4711, mtime: 1e9 },
    { path: 'd/g', type: 'hardlink', link: 'd/f' },
    { path: 'd/l', type: 'symlink', link: '../x', mtime: 1e9 },
    { path: `n-${'n'.repeat(140)}`, type: 'file', content: 'long', mtime: 1e9 },
    { path: 'null', type: 'char', rdev: [1, 3], mode: 0o666, mtime: 1e9 },
    { path: 'pipe', type: 'fifo', mtime: 1e9 },
    { path: 'sparse', type: 'file', content: 'start', size: 3_000_000, mtime: 1e9 },
  ]);
  const expected = await readTree(tree);
  for (const args of [
    ['--format=gnu'],
    ['--format=gnu', '--sparse'],
    ['--format=posix'],
    ['--format=posix', '--sparse', '--sparse-version=0.0'],
    ['--format=posix', '--sparse', '--sparse-version=0.1'],
    ['--format=posix', '--sparse', '--sparse-version=1.0'],
    ['--format=gnu', '--gzip'],
    ['--format=gnu', '--zstd'],
  ]) {
    const path = join(root, 'x.tar');
    await exec('tar', [...args, '-cf', path, '-C', tree, '.']);
    const { target } = await unpack(t, readFileSync(path), []);
    const actual = await readTree(target);
    t.deepEqual(belowRoot(actual), belowRoot(expected), args.join(' '));
  }
});

testNeeding(['root'], 'unpack: symlinks do not add up to more levels than a tree may have', async (t) => {
  const members = [
    ...deep('d/'.repeat(1500)),
    { name: 'p', type: 'x', content: paxRecords({ linkpath: 'd/'.repeat(1500) }) },
    { name: 'l', type: '2' },
    ...deep(`l/${'e/'.repeat(1500)}`),
  ];
  const target = join(makeTestDir(t), 'target');
  mkdirSync(target);
  const blob = `${target}.tar`;
  writeFileSync(blob, rawTar(members));
  t.is(await codeOf(t, native.unpackLayer({ blob, compression: 'none', target, lowers: [] })), 'TREE_TOO_DEEP');
  await native.removeTree(target);
});

testNeeding(['root', 'python3'], 'unpack: PAX names, owners, times and binary attributes', async (t) => {
  const value = Buffer.from('00ff0a3d0a', 'hex');
  const { target } = await unpack(
    t,
    rawTar([
      {
        name: 'PaxHeaders/x',
        type: 'x',
        content: paxRecords({
          path: 'näme',
          uid: '3000000',
          gid: '4000000000',
          mtime: '1000000000.25',
          'SCHILY.xattr.user.b': value,
          'SCHILY.xattr.security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex'),
          'SCHILY.xattr.trusted.overlay.opaque': Buffer.from('y'),
          'SCHILY.xattr.user.overlay.opaque': Buffer.from('y'),
          'SCHILY.xattr.security.selinux': Buffer.from('x'),
        }),
      },
      file('short', 'content'),
    ]),
    [],
  );
  t.like((await readTree(target)).näme, {
    uid: 3_000_000,
    gid: 4_000_000_000,
    mtime: 1e9 + 0.25,
    xattrs: { 'user.b': value.toString('hex'), 'security.capability': '0100000200200000000000000000000000000000' },
  });
});

testNeeding(['root', 'python3'], 'unpack: whiteouts take the form of overlayfs', async (t) => {
  const { target, result } = await unpack(
    t,
    rawTar([
      file('.wh.gone'),
      dir('d/'),
      file('d/.wh..wh..opq'),
      file('d/new'),
      file('.wh..wh.plnk'),
      // The same name hidden and brought: only what is below is hidden.
      file('.wh.again'),
      dir('again'),
      file('again/x'),
      dir('both'),
      file('.wh.both'),
      file('.wh.plain'),
      file('plain', 'p'),
    ]),
  );
  t.false(result.needsLowers);
  const tree = belowRoot(withoutTimes(await readTree(target)));
  t.deepEqual(Object.keys(tree).sort(), ['again', 'again/x', 'both', 'd', 'd/new', 'gone', 'plain']);
  t.like(tree.gone, { type: 'char', rdev: [0, 0] });
  for (const path of ['d', 'again', 'both']) t.deepEqual(tree[path]?.xattrs, { 'trusted.overlay.opaque': '79' }, path);
  t.like(tree.plain, { type: 'file' });
});

testNeeding(['root', 'python3'], 'unpack: at the bottom there is nothing to white out', async (t) => {
  const { target } = await unpack(t, rawTar([dir('d'), file('.wh.x'), file('d/.wh..wh..opq'), file('d/f')]), []);
  const tree = belowRoot(withoutTimes(await readTree(target)));
  t.deepEqual(Object.keys(tree), ['d', 'd/f']);
  t.is(tree.d?.xattrs, undefined);
});

testNeeding(
  ['root', 'python3'],
  'unpack: on top of what is below, whiteouts remove and links reach down',
  async (t) => {
    const root = makeTestDir(t);
    const lower = await makeTree(join(root, 'lower'), [
      { path: 'etc', type: 'dir', mode: 0o700, uid: 5 },
      { path: 'etc/a', type: 'file', content: 'a' },
      { path: 'usr', type: 'dir' },
      { path: 'usr/lib', type: 'dir' },
      { path: 'lib', type: 'symlink', link: '/usr/lib' },
      { path: 'old', type: 'dir' },
      { path: 'old/x', type: 'file', content: 'x' },
    ]);
    const layer = rawTar([
      file('etc/b', 'b'),
      { name: 'etc/hard', type: '1', linkname: 'etc/a' },
      file('lib/libc.so', 'c'),
      file('old/.wh..wh..opq'),
      file('old/y', 'y'),
      file('.wh.usr-gone'),
    ]);
    const alone = await unpack(t, layer);
    t.true(alone.result.needsLowers);
    const { root: own, target } = await unpack(t, layer, [lower]);
    const point = await makeTree(join(own, 'mnt'), []);
    const look = `mount -t overlay overlay -o lowerdir=${target}:${lower} ${point} && cd ${point} && find . -mindepth 1 | sort && stat -c '%a %u' etc && stat -c %h etc/hard && cat etc/hard`;
    const { stdout } = await exec('unshare', ['-m', 'sh', '-c', look]);
    t.deepEqual(stdout.split('\n'), [
      './etc',
      './etc/a',
      './etc/b',
      './etc/hard',
      './lib',
      './old',
      './old/y',
      './usr',
      './usr/lib',
      './usr/lib/libc.so',
      '700 5',
      '2',
      'a',
    ]);
  },
);

testNeeding(['root', 'python3'], 'unpack: a layer that describes its own parents stands alone', async (t) => {
  const alone = await unpack(t, rawTar([file('a/b/c'), dir('a/b'), dir('a')]));
  t.false(alone.result.needsLowers, 'late is soon enough');
  t.true((await unpack(t, rawTar([file('a/c')]))).result.needsLowers);
  t.true((await unpack(t, rawTar([{ name: 'a', type: '1', linkname: 'b' }]))).result.needsLowers);
  t.true((await unpack(t, rawTar([dir('.'), file('x')]))).result.hasRoot);
});

testNeeding(['root', 'python3'], 'unpack: the later entry wins', async (t) => {
  const { target } = await unpack(
    t,
    rawTar([
      file('a', '1'),
      file('a', 'second'),
      dir('b'),
      file('b/x'),
      { name: 'b', type: '2', linkname: 'a' },
      file('c'),
      dir('c'),
      file('c/y'),
      { name: 'd', type: '5', mode: 0o700 },
      { name: 'd', type: '5', mode: 0o750 },
    ]),
    [],
  );
  const tree = belowRoot(withoutTimes(await readTree(target)));
  t.deepEqual(Object.keys(tree), ['a', 'b', 'c', 'c/y', 'd']);
  t.like(tree, { a: { size: 6 }, b: { type: 'symlink' }, c: { type: 'dir' }, d: { mode: 0o750 } });
});

test('unpack: a wrong diffID is refused', async (t) => {
  const root = makeTestDir(t);
  const bytes = rawTar([]);
  writeFileSync(join(root, 'blob'), gzipSync(bytes));
  await makeTree(join(root, 'target'), []);
  const request = { blob: join(root, 'blob'), compression: 'gzip', target: join(root, 'target') } as const;
  const result = await native.unpackLayer({ ...request, expectedDiffID: digestOf(bytes) });
  t.is(result.diffSize, bytes.length);
  t.is(await codeOf(t, native.unpackLayer({ ...request, expectedDiffID: digestOf('x') })), 'DIFFID_MISMATCH');
});

test('digestLayer: what a blob holds, without unpacking it', async (t) => {
  const root = makeTestDir(t);
  const bytes = rawTar([]);
  const zipped = gzipSync(bytes);
  const digest = async (content: Uint8Array, compression: 'none' | 'gzip', expectedDiffID?: Digest) => {
    const blob = join(root, 'blob');
    writeFileSync(blob, content);
    return native.digestLayer({ blob, compression, ...(expectedDiffID === undefined ? {} : { expectedDiffID }) });
  };
  const expected = { diffID: digestOf(bytes), diffSize: bytes.length };
  t.deepEqual(await digest(zipped, 'gzip'), expected);
  t.deepEqual(await digest(bytes, 'none', expected.diffID), expected);
  t.is(await codeOf(t, digest(zipped, 'gzip', digestOf('x'))), 'DIFFID_MISMATCH');
  t.is(await codeOf(t, digest(zipped.subarray(0, -9), 'gzip')), 'GZIP_CORRUPT');
});

interface Hostile {
  readonly blob: () => Uint8Array;
  readonly code: string;
}

const large = 'x'.repeat(100_000);
const huge = 'x'.repeat(2_000_000);
const gzipped = (): Buffer => gzipSync(rawTar([file('a', huge), file('b', huge)]));
const flip = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0xff;
  return copy;
};

const HOSTILE: Readonly<Record<string, Hostile>> = {
  'a name that climbs out': { blob: () => rawTar([file('../evil')]), code: 'TAR_PATH_ESCAPES' },
  'a name that climbs out later': { blob: () => rawTar([dir('a'), file('a/../../evil')]), code: 'TAR_PATH_ESCAPES' },
  'an absolute name': { blob: () => rawTar([file('/tmp/evil')]), code: 'TAR_PATH_ESCAPES' },
  'a symlink to outside as a parent': {
    blob: () => rawTar([{ name: 'l', type: '2', linkname: '../../../tmp' }, file('l/evil')]),
    code: 'TAR_PATH_ESCAPES',
  },
  'an absolute symlink as a parent': {
    blob: () => rawTar([{ name: 'l', type: '2', linkname: '/tmp' }, file('l/evil')]),
    code: 'TAR_PATH_ESCAPES',
  },
  'a symlink to a symlink to outside': {
    blob: () =>
      rawTar([{ name: 'a', type: '2', linkname: 'b' }, { name: 'b', type: '2', linkname: '..' }, file('a/evil')]),
    code: 'TAR_PATH_ESCAPES',
  },
  'symlinks in a circle': {
    blob: () => rawTar([{ name: 'a', type: '2', linkname: 'a' }, file('a/x')]),
    code: 'ELOOP',
  },
  'a hardlink to outside': {
    blob: () => rawTar([{ name: 'h', type: '1', linkname: '../../etc/passwd' }]),
    code: 'TAR_PATH_ESCAPES',
  },
  'a hardlink to an absolute path': {
    blob: () => rawTar([{ name: 'h', type: '1', linkname: '/etc/passwd' }]),
    code: 'TAR_PATH_ESCAPES',
  },
  'a hardlink to nothing': { blob: () => rawTar([{ name: 'h', type: '1', linkname: 'no' }]), code: 'TAR_BAD_ENTRY' },
  'a whiteout of nothing': { blob: () => rawTar([file('.wh.')]), code: 'TAR_BAD_ENTRY' },
  'a whiteout of the parent': { blob: () => rawTar([dir('a'), file('a/.wh...')]), code: 'TAR_BAD_ENTRY' },
  'a file as a parent': { blob: () => rawTar([file('a'), file('a/b')]), code: 'TAR_BAD_ENTRY' },
  'a name with a NUL': {
    blob: () => rawTar([{ name: 'p', type: 'x', content: paxRecords({ path: 'a\0b' }) }, file('a')]),
    code: 'TAR_BAD_HEADER',
  },
  'a name with too many levels': { blob: () => rawTar(deep('d/'.repeat(2001))), code: 'TREE_TOO_DEEP' },
  'a file without a name': { blob: () => rawTar([file('.')]), code: 'TAR_BAD_ENTRY' },
  'an endless PAX header': {
    blob: () => rawTar([{ name: 'p', type: 'x', content: paxRecords({ comment: huge }) }, file('a')]),
    code: 'TAR_BAD_HEADER',
  },
  'PAX headers without end': {
    blob: () =>
      rawTar([...Array(64).fill({ name: 'p', type: 'x', content: paxRecords({ comment: large }) }), file('a')]),
    code: 'TAR_BAD_HEADER',
  },
  'long names without end': {
    blob: () => rawTar([...Array(64).fill({ name: 'p', type: 'L', content: large }), file('a')]),
    code: 'TAR_BAD_HEADER',
  },
  'attributes without end': {
    blob: () =>
      rawTar([
        {
          name: 'p',
          type: 'x',
          content: paxRecords(
            Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`SCHILY.xattr.user.${i}`, ''])),
          ),
        },
        file('a'),
      ]),
    code: 'TAR_BAD_HEADER',
  },
  'a time before all times': {
    blob: () => rawTar([{ name: 'p', type: 'x', content: paxRecords({ mtime: '-9223372036854775808.5' }) }, file('a')]),
    code: 'TAR_BAD_HEADER',
  },
  'a PAX record that lies about its length': {
    blob: () => rawTar([{ name: 'p', type: 'x', content: Buffer.from('999 path=a\n') }, file('a')]),
    code: 'TAR_BAD_HEADER',
  },
  'a PAX size that is no number': {
    blob: () => rawTar([{ name: 'p', type: 'x', content: paxRecords({ size: '-1' }) }, file('a')]),
    code: 'TAR_BAD_HEADER',
  },
  'a sparse file of exabytes': {
    blob: () =>
      rawTar([
        {
          name: 'p',
          type: 'x',
          content: paxRecords({ 'GNU.sparse.size': '9000000000000000000', 'GNU.sparse.map': '0,1' }),
        },
        file('a', 'a'),
      ]),
    code: 'TAR_BAD_HEADER',
  },
  'a sparse map past the end': {
    blob: () =>
      rawTar([
        { name: 'p', type: 'x', content: paxRecords({ 'GNU.sparse.size': '10', 'GNU.sparse.map': '9,5' }) },
        file('a', 'aaaaa'),
      ]),
    code: 'TAR_BAD_HEADER',
  },
  'an extension of nothing': {
    blob: () => rawTar([{ name: 'p', type: 'x', content: paxRecords({ path: 'a' }) }]),
    code: 'TAR_BAD_HEADER',
  },
  'a wrong checksum': { blob: () => flip(rawTar([file('a')]), 0), code: 'TAR_BAD_HEADER' },
  'an unknown type': { blob: () => rawTar([{ name: 'a', type: 'Z' }]), code: 'TAR_BAD_HEADER' },
  'a negative size': { blob: () => rawTar([{ name: 'a', size: -5 }]), code: 'TAR_BAD_HEADER' },
  'a size past the end': { blob: () => rawTar([{ name: 'a', size: 5_000_000 }]), code: 'TAR_TRUNCATED' },
  'half a header': { blob: () => rawTar([file('a')]).subarray(0, 300), code: 'TAR_TRUNCATED' },
  text: { blob: () => Buffer.alloc(5000, 'not a tar at all '), code: 'TAR_BAD_HEADER' },
  'a cut gzip': { blob: () => gzipped().subarray(0, 2000), code: 'GZIP_CORRUPT' },
  'a gzip without its trailer': { blob: () => gzipped().subarray(0, -4), code: 'GZIP_CORRUPT' },
  'a damaged gzip': { blob: () => flip(gzipped(), gzipped().length - 6), code: 'GZIP_CORRUPT' },
  'garbage after a gzip': { blob: () => Buffer.concat([gzipped(), Buffer.from('garbage')]), code: 'GZIP_CORRUPT' },
  'a zstd of nothing': { blob: () => Buffer.from('28b52ffd00', 'hex'), code: 'ZSTD_CORRUPT' },
};

for (const [title, { blob, code }] of Object.entries(HOSTILE)) {
  testNeeding(['root', 'python3'], `unpack: refuses ${title}`, async (t) => {
    const root = makeTestDir(t);
    const path = join(root, 'blob');
    writeFileSync(path, blob());
    const target = await makeTree(join(root, 'in', 'target'), []);
    const work = native.unpackLayer({ blob: path, compression: 'auto', target, lowers: [] });
    t.is(await codeOf(t, work), code);
    // Nothing was made beside the target.
    t.deepEqual(
      Object.keys(await readTree(join(root, 'in'))).filter((name) => !name.startsWith('target')),
      [''],
    );
  });
}

testNeeding(['root', 'python3'], 'unpack: damage anywhere in our own blocks is noticed', async (t) => {
  const root = makeTestDir(t);
  const upper = await makeTree(join(root, 'upper'), []);
  for (let i = 0; i < 30; i++) writeFileSync(join(upper, `f${i}`), Buffer.alloc(200_000, `${i} `));
  const blob = join(root, 'blob');
  const target = join(root, 'target');
  for (const compression of ['gzip', 'zstd'] as const) {
    const { size, diffID } = await native.packLayer({ upper, lowers: [], compression, output: blob });
    const good = readFileSync(blob);
    for (let i = 1; i < 12; i++) {
      writeFileSync(blob, flip(good, Math.floor((size * i) / 12)));
      await makeTree(target, []);
      // Some bytes of a gzip header mean nothing, and in what repeats itself a wrong distance may give the right bytes.
      const outcome = await native.unpackLayer({ blob, compression, target, lowers: [] }).then(
        (result) => result.diffID,
        (error) => error.code,
      );
      t.true([diffID, 'GZIP_CORRUPT', 'ZSTD_CORRUPT'].includes(outcome), outcome);
      writeFileSync(blob, good.subarray(0, Math.floor((size * i) / 12)));
      t.regex(await codeOf(t, native.unpackLayer({ blob, compression, target, lowers: [] })), /^(GZIP|ZSTD)_CORRUPT$/);
      await native.removeTree(target);
    }
  }
});
