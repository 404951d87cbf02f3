import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import tar from 'tar-stream';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { readTar, type TarEntry } from '../support/tar-reader.ts';
import { inOverlay, makeTestDir, makeTree, readTree, type TreeEntry } from './tree.ts';

const CAPABILITY = '0100000200200000000000000000000000000000';
const LONG = `${'d'.repeat(90)}/${'e'.repeat(60)}`;

/** One of everything that a layer can hold. */
const EVERYTHING: readonly TreeEntry[] = [
  { path: 'bin', type: 'symlink', link: 'usr/bin', mtime: 1_600_000_000 },
  { path: 'big-ids', type: 'file', content: 'x', uid: 3_000_000, gid: 4_000_000_000, mtime: 1_600_000_000 },
  { path: 'café', type: 'file', content: 'café', mtime: 1_600_000_000.5 },
  { path: 'dev', type: 'dir', mode: 0o755, mtime: 1_600_000_000 },
  { path: 'dev/null', type: 'char', rdev: [1, 3], mode: 0o666, mtime: 1_600_000_000 },
  { path: 'dev/sda', type: 'block', rdev: [8, 0], mode: 0o660, gid: 6, mtime: 1_600_000_000 },
  { path: 'empty', type: 'file', content: '', mtime: 0 },
  { path: 'fifo', type: 'fifo', mode: 0o600, mtime: 1_600_000_000 },
  { path: 'old', type: 'file', content: 'before 1970', mtime: -86_400 },
  { path: 'ping', type: 'file', content: 'ELF', mode: 0o755, xattrs: { 'security.capability': CAPABILITY } },
  { path: 'attrs', type: 'file', content: 'a', xattrs: { 'user.binary': '00ff0a3d', 'user.empty': '' } },
  { path: 'second', type: 'hardlink', link: 'ping' },
  { path: 'socket', type: 'socket' },
  { path: 'sticky', type: 'dir', mode: 0o1777, mtime: 1_600_000_000 },
  { path: 'su', type: 'file', content: 'su', mode: 0o4755, mtime: 1_600_000_000 },
  { path: LONG.slice(0, 90), type: 'dir', mtime: 1_600_000_000 },
  { path: LONG, type: 'file', content: 'long', mtime: 1_600_000_000 },
  { path: `l-${'n'.repeat(50)}`, type: 'symlink', link: '/x'.repeat(80), mtime: 1_600_000_000 },
  { path: `n${'ä'.repeat(100)}`, type: 'file', content: 'name', mtime: 1_600_000_000 },
];

async function packTo(
  root: string,
  upper: string,
  lowers: readonly string[] = [],
  moreUppers: readonly string[] = [],
): Promise<TarEntry[]> {
  const output = join(root, 'layer.tar');
  const packed = await native.packLayer({ upper, moreUppers, lowers, compression: 'none', output });
  const bytes = readFileSync(output);
  if (digestOf(bytes) !== packed.diffID || bytes.length !== packed.diffSize) throw new Error('the digest is wrong');
  return [...readTar(bytes)];
}

testNeeding(['root', 'python3'], 'pack: every type, mode, owner, xattr and link is in the tar', async (t) => {
  const root = makeTestDir(t);
  const upper = await makeTree(join(root, 'upper'), EVERYTHING);
  const entries = await packTo(root, upper);
  const found = await readTree(upper);
  t.deepEqual(
    entries.map(({ name }) => name),
    Object.keys(found)
      .filter((path) => path !== '' && path !== 'socket')
      .sort(bytewise),
    'sorted, without the root and the socket',
  );
  for (const entry of entries) {
    const there = found[entry.name];
    if (there === undefined) throw new Error(entry.name);
    t.is(entry.uid, there.uid, entry.name);
    t.is(entry.gid, there.gid, entry.name);
    t.is(entry.mtime, Math.floor(there.mtime), entry.name);
    if (there.mode !== undefined) t.is(entry.mode, there.mode, entry.name);
    if (entry.type === 'symlink') t.is(entry.linkname, there.link ?? '');
    if (entry.type !== 'hardlink') t.deepEqual(entry.xattrs, there.xattrs ?? {}, entry.name);
    if (entry.type === 'file') t.is<string, string>(digestOf(entry.content), `sha256:${there.sha256}`);
    if (there.rdev !== undefined) t.is(entry.rdev, there.rdev.join(':'));
  }
  t.like(
    entries.find(({ name }) => name === 'second'),
    { type: 'hardlink', linkname: 'ping' },
  );
});

testNeeding(['root', 'python3'], "pack, unpack: the size of the content is docker's", async (t) => {
  const root = makeTestDir(t);
  const lower = await makeTree(join(root, 'lower'), [{ path: 'below', type: 'file', content: 'x'.repeat(5000) }]);
  const upper = await makeTree(join(root, 'upper'), [
    { path: 'dir', type: 'dir' },
    { path: 'dir/file', type: 'file', content: 'x'.repeat(1000) },
    { path: 'dir/second', type: 'hardlink', link: 'dir/file' },
    { path: 'empty', type: 'file', content: '' },
    { path: 'fifo', type: 'fifo' },
    { path: 'large', type: 'file', content: 'y'.repeat(300_000) },
    { path: 'link', type: 'symlink', link: 'dir/file' },
  ]);
  const blob = join(root, 'blob');
  const packed = await native.packLayer({ upper, lowers: [lower], compression: 'gzip', output: blob });
  t.is(packed.contentSize, 1000 + 300_000 + 'dir/file'.length, 'files once, and the targets of symlinks');
  const target = await makeTree(join(root, 'target'), []);
  const unpacked = await native.unpackLayer({ blob, compression: 'gzip', target, lowers: [] });
  t.is(unpacked.contentSize, packed.contentSize);
});

testNeeding(['root', 'python3', 'tar'], 'pack: GNU tar unpacks it to the same tree', async (t) => {
  const root = makeTestDir(t);
  const upper = await makeTree(join(root, 'upper'), EVERYTHING);
  await packTo(root, upper);
  const other = await makeTree(join(root, 'other'), []);
  await exec('tar', [
    '-xpf',
    join(root, 'layer.tar'),
    '--xattrs',
    '--xattrs-include=*',
    '--numeric-owner',
    '-C',
    other,
  ]);
  const expected = await readTree(upper);
  const actual = await readTree(other);
  for (const [path, entry] of Object.entries(expected)) {
    if (path === '' || path === 'socket') continue;
    t.deepEqual(actual[path], { ...entry, mtime: Math.floor(entry.mtime) }, path);
  }
});

testNeeding(['root', 'python3'], 'pack: tar-stream reads the names, sizes and links', async (t) => {
  const root = makeTestDir(t);
  const upper = await makeTree(join(root, 'upper'), EVERYTHING);
  const entries = await packTo(root, upper);
  const seen: string[] = [];
  const extract = tar.extract();
  extract.end(readFileSync(join(root, 'layer.tar')));
  for await (const entry of extract) {
    seen.push(`${entry.header.name.replace(/\/$/, '')} ${entry.header.linkname ?? ''} ${entry.header.size}`);
    entry.resume();
  }
  t.deepEqual(
    seen,
    entries.map((entry) => `${entry.name} ${entry.linkname} ${entry.content.length}`),
  );
});

testNeeding(['root', 'python3'], 'pack: the order on disk and the compression do not change the layer', async (t) => {
  const root = makeTestDir(t);
  const files = Array.from(
    { length: 300 },
    (_, i): TreeEntry => ({ path: `f${i}`, type: 'file', content: `${i}`.repeat(i * 20), mtime: 1e9 + i }),
  );
  const one = await makeTree(join(root, 'one'), files);
  const two = await makeTree(join(root, 'two'), [...files].reverse());
  const none = await native.packLayer({ upper: one, lowers: [], compression: 'none' });
  for (const compression of ['gzip', 'zstd'] as const) {
    const outputs = [join(root, `1.${compression}`), join(root, `2.${compression}`)];
    const [a, b] = await Promise.all([
      native.packLayer({ upper: one, lowers: [], compression, output: outputs[0] ?? '' }),
      native.packLayer({ upper: two, lowers: [], compression, output: outputs[1] ?? '' }),
    ]);
    t.deepEqual(a, b);
    t.is(a.diffID, none.diffID);
    t.is(digestOf(readFileSync(outputs[0] ?? '')), a.digest);
    t.true(a.size < none.size);
  }
  t.is(digestOf(gunzipSync(readFileSync(join(root, '1.gzip')))), none.diffID, 'an ordinary gzip');
  const clamped = await native.packLayer({ upper: one, lowers: [], compression: 'none', sourceDateEpoch: 1e9 });
  t.not(clamped.diffID, none.diffID);
});

/** What a layer says, as one line each. */
function summary(entries: readonly TarEntry[]): string[] {
  return entries.map(({ name, type, linkname }) => `${type} ${name}${linkname === '' ? '' : ` -> ${linkname}`}`);
}

const BASE: readonly TreeEntry[] = [
  { path: 'a', type: 'dir', mtime: 1e9 },
  { path: 'a/deep', type: 'dir', mtime: 1e9 },
  { path: 'a/deep/keep', type: 'file', content: 'keep', mtime: 1e9 },
  { path: 'a/deep/change', type: 'file', content: 'old', mtime: 1e9 },
  { path: 'b', type: 'dir', mtime: 1e9 },
  { path: 'b/one', type: 'file', content: '1', mtime: 1e9 },
  { path: 'b/two', type: 'file', content: '2', mtime: 1e9 },
  { path: 'file', type: 'file', content: 'file', mtime: 1e9 },
  { path: 'fraction', type: 'file', content: 'file', mtime: 1e9 + 0.5 },
  { path: 'other', type: 'file', content: 'other', mtime: 1e9 },
  { path: 'link', type: 'symlink', link: 'file', mtime: 1e9 },
];

interface DiffCase {
  readonly commands: string;
  readonly layer: readonly string[];
}

/** What is done in the overlay, and what the layer of it has to say. */
const DIFFS: Readonly<Record<string, DiffCase>> = {
  'nothing is an empty layer': { commands: ':', layer: [] },
  'a changed file comes with its parents': {
    commands: 'echo new >a/deep/change',
    layer: ['directory a', 'directory a/deep', 'file a/deep/change'],
  },
  'a removed file is a whiteout': {
    commands: 'rm a/deep/keep',
    layer: ['directory a', 'directory a/deep', 'file a/deep/.wh.keep'],
  },
  'a removed directory is one whiteout': { commands: 'rm -r b', layer: ['file .wh.b'] },
  'what was made and removed again is not there': { commands: 'echo x >new; rm new', layer: [] },
  'a file that was copied up but not changed is left out': {
    commands: 'touch -r file time; chmod 600 file; chmod 644 file; touch -r time file; rm time',
    layer: [],
  },
  'a directory that was looked at for writing is left out': { commands: 'touch -d @1000000000 a', layer: [] },
  'a changed mode is a change': { commands: 'chmod 600 file', layer: ['file file'] },
  'a changed owner is a change': { commands: 'chown -h 5:6 link', layer: ['symlink link -> file'] },
  'same size and second, other content': {
    commands: 'printf FILE >file; touch -d @1000000000 file',
    layer: ['file file'],
  },
  'same size and nanosecond, other content': {
    commands: 'printf FILE >fraction; touch -d @1000000000.5 fraction',
    layer: ['file fraction'],
  },
  'same size, nanosecond and content': {
    commands: 'printf file >fraction; touch -d @1000000000.5 fraction',
    layer: [],
  },
  'a remade directory hides only what is gone': {
    commands: 'rm -r b; mkdir b; touch -d @1000000000 b; echo 3 >b/three; printf 1 >b/one; touch -d @1000000000 b/one',
    layer: ['directory b', 'file b/three', 'file b/.wh.two'],
  },
  'a directory instead of a file': {
    commands: 'rm file; mkdir file; echo x >file/x',
    layer: ['directory file', 'file file/x'],
  },
  'a file instead of a directory': { commands: 'rm -r b; echo x >b', layer: ['file b'] },
  'new names of one file are hardlinks': {
    commands: 'echo x >x; ln x y; ln x a/z',
    layer: ['directory a', 'file a/z', 'hardlink x -> a/z', 'hardlink y -> a/z'],
  },
  'a new name of an old file brings both': {
    commands: 'ln file again; touch -d @1000000000 file',
    layer: ['file again', 'hardlink file -> again'],
  },
  'renamed directory': {
    commands: 'mv b c',
    layer: ['file .wh.b', 'directory c', 'file c/one', 'file c/two'],
  },
  'the root itself': { commands: 'chmod 700 .', layer: ['directory .'] },
};

for (const [title, { commands, layer }] of Object.entries(DIFFS)) {
  testNeeding(['root', 'python3', 'unshare'], `pack: ${title}`, async (t: ExecutionContext) => {
    const root = makeTestDir(t);
    const lower = await makeTree(join(root, 'lower'), BASE);
    const upper = await makeTree(join(root, 'upper'), []);
    await inOverlay([lower], upper, join(root, 'work'), commands);
    const sorted = (lines: readonly string[]): string[] => [...lines].sort();
    t.deepEqual(sorted(summary(await packTo(root, upper, [lower]))), sorted(layer));
  });
}

/** Each step upon the one before; what of `BASE` they change all together. */
const SQUASHES: Readonly<Record<string, { readonly steps: readonly string[]; readonly layer: readonly string[] }>> = {
  'what came and went': { steps: ['echo x >new; mkdir d; echo y >d/e', 'rm -r new d'], layer: [] },
  'what went and came': {
    steps: ['rm -r b', 'mkdir b; chmod 700 b; echo x >b/other', 'chmod 755 b'],
    layer: ['file b/.wh.one', 'file b/.wh.two', 'directory b', 'file b/other'],
  },
  'a file where a directory was made': { steps: ['mkdir n; echo x >n/a', 'rm -r n; echo f >n'], layer: ['file n'] },
  'links of two steps': { steps: ['echo x >n; ln n m', 'ln n o; rm m'], layer: ['file n', 'hardlink o -> n'] },
  'a link that was cut': { steps: ['echo x >n; ln n m', 'echo more >>n'], layer: ['file m', 'file n'] },
  'a removal, twice covered': {
    steps: ['rm b/one', 'echo again >b/one', 'rm b/one'],
    layer: ['directory b', 'file b/.wh.one'],
  },
};

for (const [title, { steps, layer }] of Object.entries(SQUASHES)) {
  testNeeding(['root', 'python3', 'unshare'], `pack: several directories as one layer: ${title}`, async (t) => {
    const root = makeTestDir(t);
    const lower = await makeTree(join(root, 'lower'), BASE);
    const uppers: string[] = [];
    for (const [i, commands] of steps.entries()) {
      const upper = await makeTree(join(root, `upper${i}`), []);
      await inOverlay([...uppers, lower], upper, join(root, `work${i}`), commands);
      uppers.unshift(upper);
    }
    const [upper = '', ...moreUppers] = uppers;
    const sorted = (lines: readonly string[]): string[] => [...lines].sort();
    t.deepEqual(sorted(summary(await packTo(root, upper, [lower], moreUppers))), sorted(layer));
  });
}

testNeeding(['root', 'python3', 'unshare'], 'pack: overlay marks stay out of the layer', async (t) => {
  const root = makeTestDir(t);
  const lower = await makeTree(join(root, 'lower'), BASE);
  const upper = await makeTree(join(root, 'upper'), []);
  await inOverlay([lower], upper, join(root, 'work'), 'rm -r b; mkdir b; echo x >b/x; chmod 700 a');
  const marks = Object.values(await readTree(upper)).flatMap((entry) => Object.keys(entry.xattrs ?? {}));
  t.true(
    marks.some((name) => name.includes('overlay')),
    'the test means something',
  );
  for (const entry of await packTo(root, upper, [lower])) t.deepEqual(entry.xattrs, {}, entry.name);
});

testNeeding(['root', 'python3'], 'pack: a whole tree goes to a descriptor', async (t) => {
  const root = makeTestDir(t);
  const tree = await makeTree(join(root, 'tree'), EVERYTHING);
  const output = join(root, 'tree.tar');
  const { open } = await import('node:fs/promises');
  const file = await open(output, 'w');
  const { size, entries } = await native.packTree({ root: { lowers: [tree] }, outputFd: file.fd });
  await file.close();
  const bytes = readFileSync(output);
  t.is(bytes.length, size);
  t.is([...readTar(bytes)].length, entries);
  t.is(entries, EVERYTHING.length - 1);
});

/** By UTF-8 bytes, component by component. */
function bytewise(a: string, b: string): number {
  const key = (path: string): Buffer => Buffer.from(path.replaceAll('/', '\0'));
  return Buffer.compare(key(a), key(b));
}
