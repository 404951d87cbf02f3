// What COPY --parents, --exclude and symbolic --chmod are made of.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compilePatterns } from '../../src/dockerfile/ignore/index.ts';
import { native } from '../../src/native/index.ts';
import type { TreeSelection } from '../../src/native/types.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { copy } from './copy-action.ts';
import { makeTestDir, makeTree, readTree, type TreeEntry } from './tree.ts';

const dir = (path: string, mode = 0o755): TreeEntry => ({ path, type: 'dir', mode });
const file = (path: string, mode = 0o644): TreeEntry => ({ path, type: 'file', content: path, mode });

/** The mode of a file and of a directory after a change: [change, 0640 file, 4754 file, 0700 directory]. */
const MODES: readonly (readonly [change: string, plain: number, program: number, directory: number])[] = [
  ['u=rwX,go=rX', 0o644, 0o755, 0o755],
  ['+x', 0o751, 0o4755, 0o711],
  ['g=u', 0o660, 0o4774, 0o770],
  ['a-w', 0o440, 0o4554, 0o500],
  ['u+s', 0o4640, 0o4754, 0o4700],
  ['g=u-w', 0o640, 0o4754, 0o750],
  ['=', 0, 0, 0],
  ['+w', 0o662, 0o4776, 0o722],
  ['+rt', 0o1640, 0o5754, 0o1700],
  ['u-X', 0o640, 0o4654, 0o600],
  ['u=Xg', 0o440, 0o4554, 0],
  ['u=gX', 0o440, 0o4554, 0o100],
  ['g=wu', 0o660, 0o4774, 0o770],
  ['g=uw', 0o620, 0o4724, 0o720],
  ['a=rwx,o-x', 0o776, 0o776, 0o776],
  ['ug=o+rX', 0o440, 0o4554, 0o550],
];

testNeeding(['root', 'python3'], 'changeTree: symbolic modes, as BuildKit reads them', async (t) => {
  const base = makeTestDir(t);
  const entries = [dir('s'), file('s/plain', 0o640), file('s/program', 0o4754), dir('s/directory', 0o700)];
  const source = await makeTree(join(base, 'source'), entries);
  const upper = await makeTree(join(base, 'upper'), []);
  const actions = MODES.map(([modeChange], index) => copy('/s', `/${index}/`, { modeChange }));
  await native.changeTree({ root: { lowers: [], upper }, sources: [{ root: { lowers: [source] } }], actions });
  const tree = await readTree(upper);
  for (const [index, [change, plain, program, directory]] of MODES.entries()) {
    const found = ['plain', 'program', 'directory'].map((name) => tree[`${index}/${name}`]?.mode);
    t.deepEqual(found, [plain, program, directory], change);
  }
  for (const modeChange of ['u', 'x', 'u+q', 'u=r,', ',u+r', '755', 'u+r g+r'])
    await t.throwsAsync(
      native.changeTree({
        root: { lowers: [], upper },
        sources: [{ root: { lowers: [source] } }],
        actions: [copy('/s', '/x', { modeChange })],
      }),
      { message: /MODE_INVALID|not a mode/ },
      modeChange,
    );
});

const SOURCE: readonly TreeEntry[] = [
  dir('a', 0o700),
  dir('a/b'),
  file('a/b/x'),
  file('a/b/y'),
  dir('a/c'),
  dir('a/c/deep'),
  file('a/c/deep/x'),
  dir('other'),
  file('other/z'),
  dir('empty'),
];

testNeeding(['root', 'python3'], 'changeTree: only what is included, with the directories above it', async (t) => {
  const base = makeTestDir(t);
  const source = await makeTree(join(base, 'source'), SOURCE);
  const cases: readonly (readonly [include: string[], exclude: string[], paths: string[]])[] = [
    [['a/b/x'], [], ['a', 'a/b', 'a/b/x']],
    [['**/x'], [], ['a', 'a/b', 'a/b/x', 'a/c', 'a/c/deep', 'a/c/deep/x']],
    [['**/x'], ['a/c'], ['a', 'a/b', 'a/b/x']],
    [['a'], ['**/deep'], ['a', 'a/b', 'a/b/x', 'a/b/y', 'a/c']],
    [['emp*'], [], ['empty']],
    [['none'], [], []],
    [['a/*/x'], [], ['a', 'a/b', 'a/b/x']],
  ];
  for (const [index, [include, exclude, paths]] of cases.entries()) {
    const upper = await makeTree(join(base, `upper${index}`), []);
    const filters = { include: compilePatterns(include), exclude: compilePatterns(exclude) };
    await native.changeTree({
      root: { lowers: [], upper },
      sources: [{ root: { lowers: [source] } }],
      actions: [copy('/', '/', filters)],
    });
    const { '': _, ...found } = await readTree(upper);
    t.deepEqual(Object.keys(found).sort(), paths, include.join(' '));
    if (paths.includes('a')) t.is(found.a?.mode, 0o700, 'a directory above takes the mode of the source');
  }
});

testNeeding(['root', 'python3'], 'hashTree: a digest follows what is included, and no more', async (t) => {
  const base = makeTestDir(t);
  const source = await makeTree(join(base, 'source'), SOURCE);
  const hash = async (selection: Partial<TreeSelection>) =>
    await native.hashTree({
      root: { lowers: [source] },
      selections: [{ path: '/', wildcard: true, followSymlinks: true, ...selection }],
      includeOwner: false,
    });
  const include = compilePatterns(['**/x']);
  const before = await hash({ include });
  t.is(before.files, 2);
  await exec('sh', ['-c', 'echo more >> a/b/y; chmod 711 other; touch new; mkdir a/more'], { cwd: source });
  t.is((await hash({ include })).digest, before.digest, 'what is left out does not count');
  await exec('chmod', ['750', 'a'], { cwd: source });
  t.not((await hash({ include })).digest, before.digest, 'a directory above counts');
  t.deepEqual((await hash({ include, required: '/a/b/x' })).missing, []);
  t.deepEqual((await hash({ include, required: '/a/b/none' })).missing, [0]);
});

testNeeding(['root', 'python3'], 'hashTree: what no pattern can match is not looked into', async (t) => {
  const base = makeTestDir(t);
  const source = await makeTree(join(base, 'source'), SOURCE);
  mkdirSync(join(source, 'huge'));
  // A directory deeper than a walk goes: a look into it would fail.
  await exec('python3', ['-c', 'import os\nos.chdir("huge")\nfor i in range(2100):\n  os.mkdir("d"); os.chdir("d")'], {
    cwd: source,
  });
  const selection = { path: '/', wildcard: true, followSymlinks: true };
  const request = { root: { lowers: [source] }, includeOwner: false };
  await t.throwsAsync(native.hashTree({ ...request, selections: [selection] }), { message: /TREE_TOO_DEEP|nested/ });
  const include = compilePatterns(['a/**/x', 'other/z']);
  t.is((await native.hashTree({ ...request, selections: [{ ...selection, include }] })).files, 3);
  // Too deep for who cleans up after the test.
  await exec('rm', ['-r', 'huge'], { cwd: source });
});
