import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { compilePatterns } from '../../src/dockerfile/ignore/index.ts';
import { native } from '../../src/native/index.ts';
import type { HashTreeResult, TreeSelection } from '../../src/native/types.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTestDir, makeTree, type TreeEntry } from './tree.ts';

const TREE: readonly TreeEntry[] = [
  { path: 'd', type: 'dir' },
  { path: 'd/f', type: 'file', content: 'f', mtime: 1e9 },
  { path: 'd/g', type: 'file', content: 'f', mtime: 1e9 },
  { path: 'd/sub', type: 'dir' },
  { path: 'd/sub/x', type: 'file', content: 'x', mtime: 1e9 },
  { path: 'd/link', type: 'symlink', link: 'f' },
  { path: 'other', type: 'file', content: 'other', mtime: 1e9 },
  { path: 'node_modules', type: 'dir' },
  { path: 'node_modules/m', type: 'file', content: 'm' },
];

const select = (path: string, options: Partial<TreeSelection> = {}): TreeSelection => ({
  path,
  wildcard: true,
  followSymlinks: true,
  ...options,
});

interface HashOptions {
  readonly selections?: readonly TreeSelection[];
  readonly includeOwner?: boolean;
  readonly ignore?: string;
  readonly statCachePath?: string;
}

function hash(root: string, options: HashOptions = {}): Promise<HashTreeResult> {
  return native.hashTree({
    root: { lowers: [root] },
    selections: [select('/d')],
    includeOwner: false,
    ...options,
  });
}

interface Change {
  readonly change: (root: string) => unknown;
  readonly options?: HashOptions;
}

const CHANGES: Readonly<Record<string, Change>> = {
  'a content': { change: (root) => writeFileSync(join(root, 'd/f'), 'F') },
  'a content of the same size and time': {
    change(root) {
      writeFileSync(join(root, 'd/f'), 'F');
      utimesSync(join(root, 'd/f'), 1e9, 1e9);
    },
  },
  'a name': { change: (root) => renameSync(join(root, 'd/f'), join(root, 'd/h')) },
  'a new file': { change: (root) => writeFileSync(join(root, 'd/new'), '') },
  'a new empty directory': { change: (root) => mkdirSync(join(root, 'd/sub/new')) },
  'a file that is gone': { change: (root) => rmSync(join(root, 'd/g')) },
  'a mode': { change: (root) => chmodSync(join(root, 'd/f'), 0o755) },
  'a set-id bit': { change: (root) => chmodSync(join(root, 'd/f'), 0o4644) },
  "a directory's mode": { change: (root) => chmodSync(join(root, 'd/sub'), 0o700) },
  "a link's target": {
    change(root) {
      rmSync(join(root, 'd/link'));
      symlinkSync('g', join(root, 'd/link'));
    },
  },
  'a link instead of a file': {
    change(root) {
      rmSync(join(root, 'd/g'));
      symlinkSync('f', join(root, 'd/g'));
    },
  },
  'an attribute': { change: (root) => setXattr(join(root, 'd/f'), 'user.a') },
  'an attribute of a directory': { change: (root) => setXattr(join(root, 'd/sub'), 'user.a') },
  'an owner, where owners count': {
    change: (root) => chownSync(join(root, 'd/f'), 5, 5),
    options: { includeOwner: true },
  },
  'the mode of the directory itself, where it counts': {
    change: (root) => chmodSync(join(root, 'd'), 0o700),
    options: { selections: [select('/d', { includeRoot: true })] },
  },
  'the name of a matched file': {
    change: (root) => renameSync(join(root, 'd/f'), join(root, 'd/ff')),
    options: { selections: [select('/d/f*')] },
  },
  'what a symlink leads to': {
    change: (root) => writeFileSync(join(root, 'd/f'), 'other'),
    options: { selections: [select('/d/link')] },
  },
  'the order of selections': {
    change: () => undefined,
    options: { selections: [select('/d'), select('/other')] },
  },
};

const SAME: Readonly<Record<string, Change>> = {
  'a time': { change: (root) => utimesSync(join(root, 'd/f'), 5, 5) },
  'a hardlink instead of a copy': {
    change(root) {
      rmSync(join(root, 'd/g'));
      linkSync(join(root, 'd/f'), join(root, 'd/g'));
    },
  },
  'an owner': { change: (root) => chownSync(join(root, 'd/f'), 5, 5) },
  'something beside it': { change: (root) => writeFileSync(join(root, 'other'), 'changed') },
  'the name and mode of the directory itself': {
    change(root) {
      chmodSync(join(root, 'd'), 0o700);
      renameSync(join(root, 'd'), join(root, 'dd'));
    },
    options: { selections: [select('/d*')] },
  },
  'what is ignored': {
    change(root) {
      writeFileSync(join(root, 'node_modules/m'), 'changed');
      writeFileSync(join(root, 'node_modules/new'), '');
      writeFileSync(join(root, 'x.log'), '');
    },
    options: { selections: [select('/')], ignore: compilePatterns(['node_modules', '*.log']) },
  },
  'what is left out': {
    change: (root) => writeFileSync(join(root, 'd/sub/x'), 'changed'),
    options: { selections: [select('/d', { exclude: compilePatterns(['sub/x']) })] },
  },
  'the content of what a link leads to, where links are not followed': {
    change: (root) => writeFileSync(join(root, 'd/f'), 'changed'),
    options: { selections: [select('/d/link', { followSymlinks: false })] },
  },
};

for (const [verdict, table] of [
  ['changes with', CHANGES],
  ['stays the same with', SAME],
] as const) {
  for (const [title, { change, options }] of Object.entries(table)) {
    testNeeding(['root', 'python3'], `hashTree: ${verdict} ${title}`, async (t) => {
      const base = makeTestDir(t);
      const root = await makeTree(join(base, 'tree'), TREE);
      const cached = { ...options, statCachePath: join(base, 'cache') };
      const before = await hash(root, options);
      t.is((await hash(root, cached)).digest, before.digest);
      await change(root);
      const swapped = title === 'the order of selections' ? { selections: [select('/other'), select('/d')] } : options;
      const after = await hash(root, swapped);
      t.is(after.digest === before.digest, table === SAME);
      t.is((await hash(root, { ...swapped, statCachePath: join(base, 'cache') })).digest, after.digest);
    });
  }
}

async function setXattr(path: string, name: string): Promise<void> {
  await exec('python3', ['-c', `import os; os.setxattr(${JSON.stringify(path)}, ${JSON.stringify(name)}, b"1")`]);
}

testNeeding(['root', 'python3'], 'hashTree: a mounted stack of layers hashes like the tree it is', async (t) => {
  const base = makeTestDir(t);
  const whole = await makeTree(join(base, 'whole'), TREE);
  const bottom = await makeTree(join(base, 'bottom'), [
    ...TREE.slice(0, 3),
    { path: 'd/gone', type: 'file', content: 'g' },
  ]);
  const top = await makeTree(join(base, 'top'), [
    { path: 'd', type: 'dir' },
    ...TREE.slice(3),
    { path: 'd/gone', type: 'char', rdev: [0, 0] },
  ]);
  const selections = [select('/')];
  const request = { selections, includeOwner: true };
  const stacked = await native.hashTree({ ...request, root: { lowers: [top, bottom] } });
  t.is(stacked.digest, (await native.hashTree({ ...request, root: { lowers: [whole] } })).digest);
  t.is((await native.hashTree({ ...request, root: { lowers: [] } })).files, 0);
});

testNeeding(['python3'], 'hashTree: says what nothing matched', async (t) => {
  const root = await makeTree(join(makeTestDir(t), 'tree'), TREE);
  const selections = [select('/d'), select('/no'), select('/*.no'), select('/d/f/x'), select('/other')];
  const { missing, files } = await hash(root, { selections });
  t.deepEqual(missing, [1, 2, 3]);
  t.is(files, 5);
  const ignored = await hash(root, { selections, ignore: compilePatterns(['d', 'other']) });
  t.deepEqual(ignored.missing, [0, 1, 2, 3, 4]);
  const kept = await hash(root, { selections, ignore: compilePatterns(['d', '!d/sub/x']) });
  t.deepEqual([kept.missing, kept.files], [[1, 2, 3], 2]);
});

/** A tree whose files have been at rest for long enough to be trusted. */
async function makeRestedTree(t: ExecutionContext): Promise<{ root: string; statCachePath: string }> {
  const base = makeTestDir(t);
  const root = await makeTree(join(base, 'tree'), [
    { path: 'a', type: 'file', content: 'aaaa' },
    { path: 'b', type: 'file', content: 'bbbb' },
  ]);
  await new Promise((resolve) => setTimeout(resolve, 150));
  return { root, statCachePath: join(base, 'cache') };
}

const all = [select('/')];

testNeeding(['python3'], 'stat cache: unchanged files are not read again', async (t) => {
  const { root, statCachePath } = await makeRestedTree(t);
  const options = { selections: all, statCachePath };
  const first = await hash(root, options);
  t.is(first.bytesRead, 8);
  t.like(await hash(root, options), { digest: first.digest, bytesRead: 0, bytes: 8 });
  writeFileSync(join(root, 'a'), 'cccc');
  const changed = await hash(root, options);
  t.not(changed.digest, first.digest);
  t.is(changed.bytesRead, 4);
  // Restored with its old time: the change time tells.
  const { mtime } = statSync(join(root, 'b'));
  writeFileSync(join(root, 'b'), 'BBBB');
  utimesSync(join(root, 'b'), mtime, mtime);
  t.not((await hash(root, options)).digest, changed.digest);
});

testNeeding(['python3'], 'stat cache: a file that was written a moment ago is not trusted', async (t) => {
  const { root, statCachePath } = await makeRestedTree(t);
  const options = { selections: all, statCachePath };
  for (let i = 0; i < 20; i++) {
    // Same size, and perhaps the same tick of the clock as the look before it.
    writeFileSync(join(root, 'a'), `a${i}xx`.slice(0, 4));
    t.is((await hash(root, options)).digest, (await hash(root, { selections: all })).digest);
  }
});

testNeeding(['python3'], 'stat cache: damage costs reading, never a wrong digest', async (t) => {
  const { root, statCachePath } = await makeRestedTree(t);
  const options = { selections: all, statCachePath };
  const { digest } = await hash(root, options);
  const good = readFileSync(statCachePath);
  const damaged: readonly Buffer[] = [
    Buffer.alloc(0),
    good.subarray(0, 20),
    good.subarray(0, -1),
    good.subarray(0, 48),
    Buffer.concat([good, good]),
    ...[0, 10, 30, 60, good.length - 1].map((at) => {
      const copy = Buffer.from(good);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    }),
  ];
  for (const bytes of damaged) {
    writeFileSync(statCachePath, bytes);
    t.like(await hash(root, options), { digest, bytesRead: 8 });
    t.like(await hash(root, options), { digest, bytesRead: 0 }, 'and it is whole again');
  }
  rmSync(statCachePath);
  mkdirSync(statCachePath);
  t.like(await hash(root, options), { digest, bytesRead: 8 }, 'it cannot even be written');
});

testNeeding(['python3'], 'stat cache: is shared by selections and by processes at once', async (t) => {
  const { root, statCachePath } = await makeRestedTree(t);
  await hash(root, { selections: [select('/a')], statCachePath });
  await hash(root, { selections: [select('/b')], statCachePath });
  t.is((await hash(root, { selections: all, statCachePath })).bytesRead, 0);
  appendFileSync(join(root, 'a'), 'x');
  const many = await Promise.all(Array.from({ length: 8 }, () => hash(root, { selections: all, statCachePath })));
  t.is(new Set(many.map(({ digest }) => digest)).size, 1);
});
