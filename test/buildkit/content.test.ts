import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { compilePatterns } from '../../src/dockerfile/ignore/index.ts';
import { native } from '../../src/native/index.ts';
import type { HashContentRequest } from '../../src/native/types.ts';
import { type Digest, digestOf } from '../../src/oci/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

/** The native content digests. What BuildKit makes of all kinds of files is asked of it in the other tests of this folder. */

type Selection = HashContentRequest['selections'][number];

function makeTree(t: { teardown(end: () => void): void }): string {
  const root = makeTempDir('content');
  t.teardown(() => removeTree(root));
  return root;
}

async function hash(root: string, selection: Partial<Selection>, more: Partial<HashContentRequest> = {}) {
  const request = { path: '/', wildcard: false, followSymlinks: true, ...selection };
  return native.hashContent({ root: { lowers: [root] }, local: true, selections: [request], ...more });
}

async function digest(root: string, selection: Partial<Selection>, more: Partial<HashContentRequest> = {}) {
  return (await hash(root, selection, more)).digests[0];
}

/** As the format says it is. */
function fileDigest(content: string, { mode = 0o644, kind = '0', link = '' } = {}): Digest {
  const size = kind === '0' ? Buffer.byteLength(content) : 0;
  const header = `namemode${mode}uid0gid0size${size}typeflag${kind}linkname${link}unamegnamedevmajor0devminor0`;
  return digestOf(header + content);
}

function directoryDigest(header: Digest, entries: readonly (readonly [name: string, digest: Digest])[]): Digest {
  return digestOf(`\0${header}${entries.map(([name, entry]) => `\0${name}${entry}`).join('')}`);
}

test('files, links and directories', async (t) => {
  const root = makeTree(t);
  mkdirSync(join(root, 'd'));
  chmodSync(join(root, 'd'), 0o750);
  writeFileSync(join(root, 'd/x'), 'x\n');
  chmodSync(join(root, 'd/x'), 0o4755);
  symlinkSync('x', join(root, 'd/link'));
  const x = fileDigest('x\n', { mode: 0o4755 });
  const link = fileDigest('', { mode: 0o777, kind: '2', link: 'x' });
  const header = fileDigest('', { mode: 0o750, kind: '5' });
  const d = directoryDigest(header, [
    ['link', link],
    ['x', x],
  ]);
  t.is(await digest(root, { path: '/d/x' }), x);
  t.is(await digest(root, { path: '/d/link' }), x);
  t.is(await digest(root, { path: '/d/link', followSymlinks: false }), link);
  t.is(await digest(root, { path: '/d' }), d);
  t.is(await digest(root, {}), directoryDigest(digestOf(''), [['d', d]]));
  t.is(await digest(root, { path: '/missing' }), '');
  t.is(await digest(root, { path: '/d/x/y' }), '');
  const list = digestOf(`d${header}\0link${link}\0x${x}`);
  t.is(await digest(root, { path: '/d*', wildcard: true }), list);
  t.is(await digest(root, { path: '/d', exclude: compilePatterns(['nothing']) }), list);
  t.is(await digest(root, { path: '/none*', wildcard: true }), digestOf(''));
  t.is(await digest(root, { path: '/d/x', exclude: compilePatterns(['nothing']) }), x);
});

test('an entry’s place in the order is that of its path, not of its text', async (t) => {
  const root = makeTree(t);
  for (const path of ['a', 'a-b', 'a.c']) mkdirSync(join(root, path));
  for (const path of ['a/z', 'a-b/z', 'a.c/z']) writeFileSync(join(root, path), '');
  const header = fileDigest('', { mode: 0o755, kind: '5' });
  for (const path of ['a', 'a-b', 'a.c']) chmodSync(join(root, path), 0o755);
  for (const path of ['a/z', 'a-b/z', 'a.c/z']) chmodSync(join(root, path), 0o644);
  const z = fileDigest('');
  t.is(await digest(root, { path: '/a*/z', wildcard: true }), digestOf(`z${z}\0z${z}\0z${z}`));
  t.is(
    await digest(root, { path: '/a*', wildcard: true }),
    digestOf(['a', 'a-b', 'a.c'].map((name) => `${name}${header}\0z${z}`).join('\0')),
  );
});

test('the whole of a large tree, once and then by what stat says of it', async (t) => {
  const [root, cache] = [makeTree(t), makeTree(t)];
  for (let i = 0; i < 20; i++) {
    mkdirSync(join(root, `d${i}`));
    for (let j = 0; j < 100; j++) writeFileSync(join(root, `d${i}`, `f${j}`), `${i} ${j}`);
  }
  // Files that were just written are not trusted to stay as they are.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const statCachePath = join(cache, 'stat.buildkit');
  const plain = await hash(root, {});
  const first = await hash(root, {}, { statCachePath });
  const second = await hash(root, {}, { statCachePath });
  t.deepEqual(first.digests, plain.digests);
  t.deepEqual(second.digests, plain.digests);
  t.true(plain.bytesRead > 0 && first.bytesRead === plain.bytesRead);
  t.is(second.bytesRead, 0);
  t.is(second.files, 2000);

  // Times do not count; modes do, though the content is what it was.
  utimesSync(join(root, 'd3/f3'), 1, 1);
  t.deepEqual((await hash(root, {}, { statCachePath })).digests, plain.digests);
  chmodSync(join(root, 'd3/f3'), 0o600);
  const changed = await hash(root, {}, { statCachePath });
  t.notDeepEqual(changed.digests, plain.digests);
  t.deepEqual(changed.digests, (await hash(root, {})).digests);
  // As git has it, what group and others may do does not.
  const asGit = { gitModes: true, statCachePath: join(cache, 'stat.buildkit-git') };
  const git = await hash(root, {}, asGit);
  chmodSync(join(root, 'd3/f3'), 0o640);
  t.deepEqual((await hash(root, {}, asGit)).digests, git.digests);
});

test('what an ignore file leaves out is not there', async (t) => {
  const root = makeTree(t);
  for (const path of ['kept', 'left', 'both']) mkdirSync(join(root, path));
  for (const path of ['kept/a', 'left/a', 'both/a', 'both/b']) writeFileSync(join(root, path), '');
  const ignore = compilePatterns(['left', 'both', '!both/b']);
  const before = await digest(root, {}, { ignore });
  t.is(await digest(root, { path: '/left' }, { ignore }), '');
  t.is(await digest(root, { path: '/left/a' }, { ignore }), '');
  rmSync(join(root, 'left'), { recursive: true });
  rmSync(join(root, 'both/a'));
  t.is(await digest(root, {}, { ignore }), before);
  t.is(await digest(root, {}), before);
});

test('a look can be ended', async (t) => {
  const root = makeTree(t);
  writeFileSync(join(root, 'a'), 'a');
  const watch = native.createWatch();
  watch.cancel();
  const error = await t.throwsAsync(hash(root, {}, { watch }));
  t.like(error, { code: 'ECANCELED' });
});
