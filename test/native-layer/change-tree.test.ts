import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compilePatterns } from '../../src/dockerfile/ignore/index.ts';
import { isNativeError, native } from '../../src/native/index.ts';
import type { TreeAction } from '../../src/native/types.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { type Copy, copy } from './copy-action.ts';
import { rawTar } from './raw-tar.ts';
import { type FoundTree, makeTestDir, makeTree, readTree, type TreeEntry } from './tree.ts';

const add = (src: string, dest: string): Copy => copy(src, dest, { attemptUnpack: true });
const file = (path: string, content = path): TreeEntry => ({ path, type: 'file', content, uid: 7, gid: 8, mtime: 1e9 });
const dir = (path: string): TreeEntry => ({ path, type: 'dir', uid: 7, gid: 8, mode: 0o750, mtime: 1e9 });

const SOURCE: readonly TreeEntry[] = [
  file('a.txt'),
  file('b.txt'),
  { ...file('tool'), mode: 0o4755 },
  dir('d'),
  file('d/x'),
  dir('d/sub'),
  file('d/sub/y'),
  { path: 'd/link', type: 'symlink', link: 'x', uid: 7, gid: 8, mtime: 1e9 },
  { path: 'd/abs', type: 'symlink', link: '/etc/passwd', uid: 7, gid: 8, mtime: 1e9 },
  { path: 'd/z-hard', type: 'hardlink', link: 'd/x' },
  dir('e'),
  file('e/x', 'from e'),
  { path: 'to-d', type: 'symlink', link: '/d' },
  { path: 'to-a', type: 'symlink', link: '../../a.txt' },
  { path: 'dangling', type: 'symlink', link: 'no' },
];

const TARGET: readonly TreeEntry[] = [
  { path: 'etc', type: 'dir' },
  { path: 'etc/passwd', type: 'file', content: 'root:x:0:0::/root:/bin/sh\nuser:x:1000:1001::/home:/bin/sh\n' },
  { path: 'etc/group', type: 'file', content: 'root:x:0:\nstaff:x:50:user\n' },
  { path: 'real', type: 'dir', mode: 0o711, uid: 3, gid: 3 },
  { path: 'real/sub', type: 'dir', mode: 0o700, uid: 3, gid: 3 },
  { path: 'real/sub/old', type: 'file', content: 'old' },
  { path: 'link', type: 'symlink', link: '/real' },
  { path: 'escape', type: 'symlink', link: '../../../real' },
  { path: 'nowhere', type: 'symlink', link: 'made/later' },
  { path: 'f', type: 'file', content: 'old', mode: 0o600 },
  { path: 'to-f', type: 'symlink', link: 'f' },
];

interface Case {
  readonly actions: readonly TreeAction[];
  /** What the paths are afterwards; `undefined` where nothing may be. */
  readonly expected: Readonly<Record<string, Partial<FoundTree[string]> | undefined>>;
}

const root = { uid: 0, gid: 0 };

const CASES: Readonly<Record<string, Case>> = {
  'a file to a new name, with its mode and time, as root': {
    actions: [copy('/a.txt', '/new/deep/b')],
    expected: {
      'new/deep/b': { type: 'file', ...root, mode: 0o644, mtime: 1e9, size: 5 },
      new: { type: 'dir', ...root, mode: 0o755 },
      'new/deep': { type: 'dir', ...root, mode: 0o755 },
    },
  },
  'set-id bits stay': { actions: [copy('/tool', '/bin/')], expected: { 'bin/tool': { mode: 0o4755, ...root } } },
  'a file to a directory that is there': {
    actions: [copy('/a.txt', '/real')],
    expected: { 'real/a.txt': { size: 5 } },
  },
  'a file to a directory that is named with a slash': {
    actions: [copy('/a.txt', '/new/')],
    expected: { 'new/a.txt': { size: 5 }, new: { type: 'dir', mode: 0o755 } },
  },
  'a file over a file': { actions: [copy('/a.txt', '/f')], expected: { f: { size: 5, mode: 0o644 } } },
  'a file over a symlink replaces what it names': {
    actions: [copy('/a.txt', '/to-f')],
    expected: { f: { size: 5 }, 'to-f': { type: 'symlink' } },
  },
  'a file into a directory through a symlink': {
    actions: [copy('/a.txt', '/link/'), copy('/b.txt', '/escape/sub/')],
    expected: { 'real/a.txt': { size: 5 }, 'real/sub/b.txt': { size: 5 }, link: { type: 'symlink' } },
  },
  'a file through a symlink to nothing makes what it names': {
    actions: [copy('/a.txt', '/nowhere/x')],
    expected: { 'made/later/x': { size: 5 }, nowhere: { type: 'symlink' } },
  },
  "a directory's contents, not the directory": {
    actions: [copy('/d', '/new')],
    expected: {
      new: { type: 'dir', mode: 0o755, ...root },
      'new/x': { size: 3, ...root, mtime: 1e9 },
      'new/sub': { type: 'dir', mode: 0o750, ...root, mtime: 1e9 },
      'new/sub/y': { size: 7 },
      'new/link': { type: 'symlink', link: 'x', ...root, mtime: 1e9 },
      'new/abs': { type: 'symlink', link: '/etc/passwd' },
      'new/z-hard': { sameAs: 'new/x' },
      'new/d': undefined,
    },
  },
  'a directory into one that is there: that one keeps its owner and mode, those below take the new': {
    actions: [copy('/d/', '/real/')],
    expected: {
      real: { mode: 0o711, uid: 3, gid: 3 },
      'real/sub': { mode: 0o750, ...root, mtime: 1e9 },
      'real/sub/old': { size: 3 },
      'real/sub/y': { size: 7 },
    },
  },
  'two directories into one': {
    actions: [copy('/d', '/both/'), copy('/e', '/both/')],
    expected: { 'both/x': { size: 6 }, 'both/sub/y': { size: 7 } },
  },
  'a pattern': {
    actions: [copy('/*.txt', '/txt/')],
    expected: { 'txt/a.txt': {}, 'txt/b.txt': {}, 'txt/tool': undefined },
  },
  'a pattern that matches directories copies what is in them': {
    actions: [copy('/[de]', '/x/')],
    expected: { 'x/x': { size: 6 }, 'x/sub/y': {}, 'x/d': undefined },
  },
  'a pattern in the middle': {
    actions: [copy('/d/s?b/*', '/x/')],
    expected: { 'x/y': { size: 7 } },
  },
  'a pattern that nothing matches': { actions: [copy('/*.no', '/x/')], expected: { x: undefined } },
  'the whole tree': { actions: [copy('/', '/all')], expected: { 'all/d/sub/y': {}, 'all/to-d': { type: 'symlink' } } },
  'a symlink is followed where it is named': {
    actions: [copy('/to-d', '/x'), copy('/to-a', '/y')],
    expected: { 'x/sub/y': {}, y: { type: 'file', size: 5 } },
  },
  'a symlink on the way is followed': { actions: [copy('/to-d/sub/y', '/z')], expected: { z: { size: 7 } } },
  'a symlink is copied where it is not to be followed': {
    actions: [copy('/to-d', '/x', { followSymlinks: false })],
    expected: { x: { type: 'symlink', link: '/d' } },
  },
  'owner by name': {
    actions: [copy('/d', '/new/home', { owner: 'user' })],
    expected: {
      new: { uid: 1000, gid: 1001 },
      'new/home': { uid: 1000, gid: 1001 },
      'new/home/link': { uid: 1000, gid: 1001 },
      'new/home/sub/y': { uid: 1000, gid: 1001 },
    },
  },
  'owner by name and group': {
    actions: [copy('/a.txt', '/x', { owner: 'user:staff' })],
    expected: { x: { uid: 1000, gid: 50 } },
  },
  'owner by id is a group too': {
    actions: [copy('/a.txt', '/x', { owner: '55' }), copy('/a.txt', '/y', { owner: '55:staff' })],
    expected: { x: { uid: 55, gid: 55 }, y: { uid: 55, gid: 50 } },
  },
  'mode for files and directories, and for those on the way without what a umask takes': {
    actions: [copy('/d', '/new', { mode: 0o700 }), copy('/tool', '/t', { mode: 0o2755 })],
    expected: {
      new: { mode: 0o700 },
      'new/x': { mode: 0o700 },
      'new/sub': { mode: 0o700 },
      t: { mode: 0o2755 },
    },
  },
  'left out by pattern': {
    actions: [copy('/d', '/x', { exclude: compilePatterns(['sub', '*-hard']) })],
    expected: { 'x/x': {}, 'x/sub': undefined, 'x/z-hard': undefined },
  },
  'left out, but for some of it': {
    actions: [copy('/', '/x', { exclude: compilePatterns(['**', '!d/sub/y']) })],
    expected: { 'x/d/sub/y': {}, 'x/d': { mode: 0o750 }, 'x/d/x': undefined, 'x/a.txt': undefined, 'x/e': undefined },
  },
  'what a pattern matches is copied, whatever is left out of directories': {
    actions: [copy('/*.txt', '/x/', { exclude: compilePatterns(['b*']) })],
    expected: { 'x/a.txt': {}, 'x/b.txt': {} },
  },
  'mkdir with parents': {
    actions: [
      { type: 'mkdir', path: '/w/x', mode: 0o755, makeParents: true, owner: 'user' },
      { type: 'mkdir', path: '/real/sub', mode: 0o755, makeParents: true, owner: 'user' },
      { type: 'mkdir', path: '/link/under', mode: 0o700, makeParents: false },
    ],
    expected: {
      w: { uid: 1000, gid: 1001, mode: 0o755 },
      'w/x': { uid: 1000, gid: 1001, mode: 0o755 },
      'real/sub': { uid: 3, mode: 0o700 },
      'real/under': { ...root, mode: 0o700 },
    },
  },
  'mkdir with a time': {
    actions: [
      { type: 'mkdir', path: '/real/p/q', mode: 0o755, makeParents: true, mtime: 1_234_567_890 },
      { type: 'mkdir', path: '/real/p', mode: 0o755, makeParents: true, mtime: 1 },
    ],
    expected: { 'real/p': { mtime: 1_234_567_890 }, 'real/p/q': { mtime: 1_234_567_890 } },
  },
  'mkfile replaces': {
    actions: [
      { type: 'mkfile', path: '/f', mode: 0o644, data: 'héllo' },
      { type: 'mkfile', path: '/n/m', mode: 0o755, data: '', owner: '1:2' },
    ],
    expected: { f: { size: 6, mode: 0o644, ...root }, 'n/m': { size: 0, mode: 0o755, uid: 1, gid: 2 } },
  },
};

const PLACES = {
  plain: 'a plain directory',
  overlay: 'an overlay',
} as const;

for (const [title, { actions, expected }] of Object.entries(CASES)) {
  for (const place of ['plain', 'overlay'] as const) {
    testNeeding(['root', 'python3'], `changeTree: ${title}, in ${PLACES[place]}`, async (t) => {
      const base = makeTestDir(t);
      const source = await makeTree(join(base, 'source'), SOURCE);
      const below = await makeTree(join(base, 'below'), TARGET);
      const upper = await makeTree(join(base, 'upper'), []);
      const work = await makeTree(join(base, 'work'), []);
      const target = place === 'plain' ? { lowers: [], upper: below } : { lowers: [below], upper, work };
      await native.changeTree({ root: target, sources: [{ root: { lowers: [source] }, ownedByRoot: true }], actions });
      const tree = place === 'plain' ? await readTree(below) : await readMerged(below, upper, base);
      for (const [path, entry] of Object.entries(expected)) {
        if (entry === undefined) t.is(tree[path], undefined, path);
        else if (t.truthy(tree[path], path) && Object.keys(entry).length > 0) t.like(tree[path], entry, path);
      }
    });
  }
}

/** The merged tree, read through a mount of the test's own. */
async function readMerged(lower: string, upper: string, base: string): Promise<FoundTree> {
  const merged = join(base, 'merged');
  const script = 'mkdir "$1.m" "$1" && mount -t overlay overlay -o "lowerdir=$2:$3" "$1.m" && cp -a "$1.m/." "$1"';
  await exec('unshare', ['-m', 'sh', '-c', script, 'sh', merged, upper, lower]);
  return readTree(merged);
}

interface Failure {
  readonly actions: readonly TreeAction[];
  readonly code: string;
  readonly path?: string;
  readonly ownersMustExist?: boolean;
}

const FAILURES: Readonly<Record<string, Failure>> = {
  'a source that is not there': { actions: [copy('/no', '/x')], code: 'COPY_SOURCE_NOT_FOUND', path: '/no' },
  'a source below a file': { actions: [copy('/a.txt/x', '/x')], code: 'COPY_SOURCE_NOT_FOUND' },
  'a symlink to nothing': { actions: [copy('/dangling', '/x')], code: 'COPY_SOURCE_NOT_FOUND' },
  'a pattern that must match': {
    actions: [copy('/*.no', '/x/', { allowEmptyWildcard: false })],
    code: 'COPY_SOURCE_NOT_FOUND',
  },
  'a directory over a file': { actions: [copy('/d', '/f')], code: 'COPY_TARGET_NOT_DIRECTORY', path: '/f' },
  'a file into a file': { actions: [copy('/a.txt', '/f/')], code: 'ENOTDIR' },
  'a directory over a file below': {
    actions: [{ type: 'mkfile', path: '/q/sub', mode: 0o644, data: '' }, copy('/d', '/q')],
    code: 'COPY_TARGET_NOT_DIRECTORY',
    path: '/q/sub',
  },
  'a directory over a symlink below': {
    actions: [copy('/a.txt', '/q/x'), copy('/to-a', '/q/sub', { followSymlinks: false }), copy('/d', '/q')],
    code: 'COPY_TARGET_NOT_DIRECTORY',
    path: '/q/sub',
  },
  'a file over a directory below': {
    actions: [{ type: 'mkdir', path: '/q/x', mode: 0o755, makeParents: true }, copy('/d', '/q')],
    code: 'COPY_TARGET_IS_DIRECTORY',
    path: '/q/x',
  },
  'a user that is not there, where all must be': {
    actions: [copy('/d', '/x', { owner: 'nobody' })],
    ownersMustExist: true,
    code: 'USER_NOT_FOUND',
  },
  'a group that is not there, where all must be': {
    actions: [copy('/d', '/x', { owner: '0:nobody' })],
    ownersMustExist: true,
    code: 'GROUP_NOT_FOUND',
  },
  'no parent, where none may be made': { actions: [copy('/a.txt', '/p/q', { createDestPath: false })], code: 'ENOENT' },
  'a file over a directory by mkfile': {
    actions: [{ type: 'mkfile', path: '/real', mode: 0o644, data: '' }],
    code: 'COPY_TARGET_IS_DIRECTORY',
  },
};

for (const [title, { actions, code, path, ownersMustExist = false }] of Object.entries(FAILURES)) {
  testNeeding(['root', 'python3'], `changeTree: refuses ${title}`, async (t) => {
    const base = makeTestDir(t);
    const source = await makeTree(join(base, 'source'), SOURCE);
    const upper = await makeTree(join(base, 'upper'), TARGET);
    const sources = [{ root: { lowers: [source] } }];
    const error = await t.throwsAsync(
      native.changeTree({ root: { lowers: [], upper }, sources, actions, ownersMustExist }),
    );
    t.true(isNativeError(error), String(error));
    t.like(error, { code, ...(path === undefined ? {} : { path }) }, String(error));
  });
}

testNeeding(
  ['root', 'python3'],
  "changeTree: an unknown user is root, an unknown group leaves the user's",
  async (t) => {
    const base = makeTestDir(t);
    const source = await makeTree(join(base, 'source'), SOURCE);
    const upper = await makeTree(join(base, 'upper'), [
      ...TARGET.filter(({ path }) => path !== 'etc/group' && path !== 'etc/passwd'),
      { path: 'etc/passwd', type: 'file', content: 'user:x:1000:1001::/:/bin/sh\nodd:x:many:9\nshort\n' },
    ]);
    const owners = ['usr', 'usr:7', 'user:nobody', '5:nobody', 'usr:nobody', 'odd', 'short'];
    const { unknownOwners } = await native.changeTree({
      root: { lowers: [], upper },
      sources: [{ root: { lowers: [source] } }],
      actions: [
        ...owners.map((owner, i) => copy('/a.txt', `/copied-${i}`, { owner })),
        { type: 'mkdir', path: '/made', mode: 0o755, makeParents: true, owner: 'usr' },
        { type: 'mkfile', path: '/written', mode: 0o644, data: '', owner: 'usr:8' },
      ],
    });
    const found = await readTree(upper);
    const ownerOf = (path: string): string => `${found[path]?.uid}:${found[path]?.gid}`;
    t.deepEqual(
      owners.map((_, i) => ownerOf(`copied-${i}`)),
      ['0:0', '0:7', '1000:1001', '5:5', '0:0', '0:9', '0:0'],
    );
    t.deepEqual([ownerOf('made'), ownerOf('written')], ['0:0', '0:8']);
    t.deepEqual(unknownOwners, [
      { type: 'user', name: 'usr', fileExists: true, known: ['user', 'odd', 'short'] },
      { type: 'group', name: 'nobody', fileExists: false, known: [] },
    ]);
  },
);

testNeeding(
  ['root', 'python3'],
  'changeTree: a copy from another stage keeps owners, attributes and devices',
  async (t) => {
    const base = makeTestDir(t);
    const capability = '0100000200200000000000000000000000000000';
    const source = await makeTree(join(base, 'source'), [
      {
        path: 'p',
        type: 'file',
        content: 'p',
        uid: 5,
        gid: 6,
        mode: 0o755,
        xattrs: { 'security.capability': capability, 'user.a': '00' },
      },
      { path: 'null', type: 'char', rdev: [1, 3], mode: 0o666 },
      { path: 'pipe', type: 'fifo', mode: 0o640, uid: 5 },
      { path: 's', type: 'dir', mode: 0o2775, gid: 9, xattrs: { 'user.d': '01' } },
      { path: 's/hole', type: 'file', content: 'x', size: 50_000_000 },
    ]);
    const upper = await makeTree(join(base, 'upper'), []);
    await native.changeTree({
      root: { lowers: [], upper },
      sources: [{ root: { lowers: [source] } }],
      actions: [copy('/', '/'), copy('/p', '/owned', { owner: '1:1' })],
    });
    const tree = await readTree(upper);
    const { '': _, ...expected } = await readTree(source);
    for (const [path, entry] of Object.entries(expected)) t.deepEqual(tree[path], entry, path);
    t.like(tree.owned, { uid: 1, gid: 1, xattrs: { 'security.capability': capability, 'user.a': '00' } });
    t.true((await native.measureTree(upper)).bytes < 1_000_000, 'holes stay holes');
  },
);

testNeeding(['root', 'python3'], 'changeTree: what the ignore file excludes does not exist', async (t) => {
  const base = makeTestDir(t);
  const source = await makeTree(join(base, 'source'), SOURCE);
  const ignore = compilePatterns(['*.txt', 'd/*', '!d/sub', 'e', 'to-a']);
  const change = async (actions: readonly TreeAction[]): Promise<string[]> => {
    const upper = await makeTree(join(base, `upper-${Math.random()}`), []);
    await native.changeTree({
      root: { lowers: [], upper },
      sources: [{ root: { lowers: [source] }, ignore }],
      actions,
    });
    return Object.keys(await readTree(upper)).filter((path) => path !== '');
  };
  t.deepEqual(await change([copy('/', '/')]), ['d', 'd/sub', 'd/sub/y', 'dangling', 'to-d', 'tool']);
  t.deepEqual(await change([copy('/*.txt', '/')]), []);
  t.deepEqual(await change([copy('/to-d', '/x')]), ['x', 'x/sub', 'x/sub/y']);
  for (const path of ['/a.txt', '/e', '/e/x', '/d/x', '/to-a']) {
    const error = await t.throwsAsync(change([copy(path, '/x')]), undefined, path);
    t.like(error, { code: 'COPY_SOURCE_NOT_FOUND' }, path);
  }
});

testNeeding(
  ['root', 'python3', 'tar', 'bzip2', 'xz'],
  'changeTree: ADD unpacks archives by their content',
  async (t) => {
    const base = makeTestDir(t);
    const inside = await makeTree(join(base, 'inside'), [
      { path: 'in', type: 'dir', mode: 0o700, uid: 4, gid: 4 },
      { path: 'in/file', type: 'file', content: 'archived', uid: 4, gid: 4, mode: 0o4755, mtime: 1e9 },
      { path: 'in/.wh.x', type: 'file', content: '' },
    ]);
    const source = await makeTree(join(base, 'source'), [
      { path: 'text.tar', type: 'file', content: 'only the name is a tar' },
      { path: 'notes.gz', type: 'file', base64: readFileSync(await gzipOf(base)).toString('base64') },
      { path: 'empty.tar', type: 'file', content: '' },
      { path: 'evil.tar', type: 'file', base64: rawTar([{ name: '../evil', content: 'x' }]).toString('base64') },
    ]);
    for (const [name, flag] of [
      ['plain', '--no-auto-compress'],
      ['gz', '--gzip'],
      ['bz2', '--bzip2'],
      ['xz', '--xz'],
      ['zst', '--zstd'],
    ] as const) {
      await exec('tar', [flag, '-cf', join(source, `a-${name}`), '-C', inside, '.']);
      const upper = await makeTree(join(base, `upper-${name}`), [
        { path: 'opt', type: 'dir', mode: 0o711 },
        { path: 'etc', type: 'dir' },
        { path: 'etc/passwd', type: 'file', content: 'user:x:1000:1001::/:/bin/sh\n' },
      ]);
      await native.changeTree({
        root: { lowers: [], upper },
        sources: [{ root: { lowers: [source] }, ownedByRoot: true }],
        actions: [add(`/a-${name}`, '/opt/'), { ...add(`/a-${name}`, '/own'), owner: 'user' }],
      });
      const tree = await readTree(upper);
      t.like(tree['opt/in'], { mode: 0o700, uid: 4, gid: 4 }, name);
      t.like(tree['opt/in/file'], { mode: 0o4755, uid: 4, gid: 4, size: 8, mtime: 1e9 }, name);
      t.like(tree['opt/in/.wh.x'], { type: 'file' }, name);
      t.like(tree.opt, { mode: 0o711 }, name);
      t.like(tree['own/in/file'], { uid: 1000, gid: 1001 }, name);
    }
    const upper = await makeTree(join(base, 'upper'), []);
    const request = (src: string) => ({
      root: { lowers: [], upper },
      sources: [{ root: { lowers: [source] } }],
      actions: [add(src, '/x/')],
    });
    for (const name of ['text.tar', 'notes.gz', 'empty.tar']) await native.changeTree(request(`/${name}`));
    t.deepEqual(Object.keys(await readTree(join(upper, 'x'))), ['', 'empty.tar', 'notes.gz', 'text.tar']);
    const error = await t.throwsAsync(native.changeTree(request('/evil.tar')));
    t.like(error, { code: 'TAR_PATH_ESCAPES' });
  },
);

async function gzipOf(base: string): Promise<string> {
  const tree = await makeTree(join(base, 'notes'), [{ path: 'notes', type: 'file', content: 'no archive inside' }]);
  await exec('gzip', [join(tree, 'notes')]);
  return join(tree, 'notes.gz');
}

testNeeding(['root', 'python3'], 'changeTree: the same overlay can be changed again and again', async (t) => {
  const base = makeTestDir(t);
  const lower = await makeTree(join(base, 'lower'), TARGET);
  const upper = await makeTree(join(base, 'upper'), []);
  const work = await makeTree(join(base, 'work'), []);
  for (const path of ['/one', '/two', '/three']) {
    await native.changeTree({
      root: { lowers: [lower], upper, work },
      sources: [],
      actions: [{ type: 'mkdir', path, mode: 0o755, makeParents: true }],
    });
  }
  t.deepEqual(Object.keys(await readTree(upper)), ['', 'one', 'three', 'two']);
});
