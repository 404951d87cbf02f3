import { join } from 'node:path';
import { native } from '../../src/native/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { fc } from '../support/properties.ts';
import { inOverlay, inSeconds, makeTestDir, makeTree, readTree, type TreeEntry } from './tree.ts';

const NAMES = ['a', 'b', 'c.txt', 'd e', 'ü', '-x', `long-${'n'.repeat(120)}`];

/** Lists of entries that can be made one after the other: names are taken once, parents come first. */
const trees: fc.Arbitrary<TreeEntry[]> = fc
  .array(
    fc.record({
      parent: fc.nat(20),
      name: fc.constantFrom(...NAMES),
      type: fc.constantFrom('dir', 'dir', 'file', 'file', 'file', 'symlink', 'hardlink', 'fifo', 'char'),
      mode: fc.constantFrom(0o755, 0o644, 0o600, 0o4755, 0o2711, 0o1777),
      uid: fc.constantFrom(0, 1000, 3_000_000),
      mtime: fc.integer({ min: 0, max: 2_000_000_000 }),
      content: fc.string({ maxLength: 600, unit: 'binary' }),
      xattr: fc.option(fc.uint8Array({ maxLength: 20 }), { freq: 4 }),
    }),
    { maxLength: 25 },
  )
  .map((seeds) => {
    const directories = [''];
    const files: string[] = [];
    const taken = new Set<string>();
    const entries: TreeEntry[] = [];
    for (const { parent, name, type, mode, uid, mtime, content, xattr } of seeds) {
      const directory = directories[parent % directories.length] ?? '';
      const path = directory === '' ? name : `${directory}/${name}`;
      if (taken.has(path) || path.length > 900) continue;
      taken.add(path);
      const known = { path, mode, uid, gid: uid, mtime };
      if (type === 'dir') {
        directories.push(path);
        entries.push({ ...known, type, mode: mode | 0o700 });
      } else if (type === 'symlink')
        entries.push({ path, type, uid, gid: uid, mtime, link: content.slice(0, 50).replaceAll('\0', '') || 'x' });
      else if (type === 'hardlink') {
        const link = files[parent % Math.max(1, files.length)];
        if (link !== undefined) entries.push({ path, type, link });
      } else if (type === 'char') entries.push({ ...known, type, rdev: [1, 3] });
      else if (type === 'fifo') entries.push({ ...known, type });
      else {
        files.push(path);
        const xattrs = xattr === null ? {} : { xattrs: { 'user.x': Buffer.from(xattr).toString('hex') } };
        entries.push({ ...known, type: 'file', content, ...xattrs });
      }
    }
    return entries;
  });

testNeeding(
  ['root', 'python3'],
  'round trip: a tree that was packed unpacks to itself, and packs to the same bytes',
  async (t) => {
    const root = makeTestDir(t);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(trees, fc.constantFrom('none', 'gzip', 'zstd'), async (entries, compression) => {
        const base = join(root, `${count++}`);
        const upper = await makeTree(join(base, 'upper'), entries);
        const target = await makeTree(join(base, 'target'), []);
        const blob = join(base, 'blob');
        const packed = await native.packLayer({ upper, lowers: [], compression, output: blob });
        const unpacked = await native.unpackLayer({
          blob,
          compression,
          target,
          lowers: [],
          expectedDiffID: packed.diffID,
        });
        t.is(unpacked.entries, packed.entries);
        const { '': _, ...expected } = inSeconds(await readTree(upper));
        const { '': __, ...actual } = inSeconds(await readTree(target));
        t.deepEqual(actual, expected);
        const again = await native.packLayer({ upper: target, lowers: [], compression });
        t.is(again.digest, packed.digest);
      }),
      { numRuns: 10 },
    );
  },
);

const COMMANDS = [
  'rm -rf a',
  'rm -rf a; mkdir a; echo n >a/n',
  'mv b b2 2>/dev/null || :',
  'mkdir -p new/deep; echo x >new/deep/x',
  'chmod 700 a 2>/dev/null || :',
  'for f in *; do [ -f "$f" ] && echo more >>"$f"; done; :',
  'ln c.txt hard 2>/dev/null || :',
  'find . -mindepth 1 -delete; echo last >only',
  'find . -type d -empty -delete; :',
  'rm -rf b; ln -s a b; :',
];

testNeeding(
  ['root', 'python3', 'unshare'],
  'round trip: a diff applied to its base gives the tree that was diffed',
  async (t) => {
    const root = makeTestDir(t);
    let count = 0;
    await fc.assert(
      fc.asyncProperty(trees, fc.subarray(COMMANDS, { minLength: 1 }), async (entries, commands) => {
        const base = join(root, `${count++}`);
        const lower = await makeTree(join(base, 'lower'), entries);
        const upper = await makeTree(join(base, 'upper'), []);
        const seen = join(base, 'seen');
        const copy = `mkdir ${seen}; cp -a --sparse=never . ${seen}`;
        await inOverlay([lower], upper, join(base, 'work'), `${commands.map((c) => `( ${c} )`).join('; ')}; ${copy}`);
        const blob = join(base, 'blob');
        const { diffID } = await native.packLayer({ upper, lowers: [lower], compression: 'gzip', output: blob });
        const expected = inSeconds(await readTree(seen));
        for (const lowers of [undefined, [lower]]) {
          const target = await makeTree(join(base, lowers === undefined ? 'alone' : 'above'), []);
          const request = { blob, compression: 'gzip', target, expectedDiffID: diffID } as const;
          const { needsLowers } = await native.unpackLayer(lowers === undefined ? request : { ...request, lowers });
          t.false(needsLowers);
          const merged = join(base, `merged-${lowers?.length}`);
          await exec('unshare', ['-m', 'sh', '-c', VIEW, 'sh', target, lower, join(base, 'mnt'), merged]);
          const { '': _, ...actual } = inSeconds(await readTree(merged));
          const { '': __, ...wanted } = expected;
          t.deepEqual(actual, wanted);
        }
      }),
      { numRuns: 8 },
    );
  },
);

const VIEW =
  'set -e; mkdir -p "$3" "$4"; mount -t overlay overlay -o "lowerdir=$1:$2" "$3"; cp -a --sparse=never "$3/." "$4"';
