import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { looksLikeArchive } from '../../src/build/context/archive-magic.ts';
import { readNamedSpecs } from '../../src/build/context/named-specs.ts';
import { readMainSpec } from '../../src/build/context/specs.ts';
import { listTreeDirectory, readTreeFile } from '../../src/build/context/tree-files.ts';
import { readDockerfile, readNamedIgnore } from '../../src/build/inputs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

test('archives are told from Dockerfiles by their first bytes', (t) => {
  const folder = makeTempDir('magic');
  t.teardown(() => removeTree(folder));
  writeFileSync(join(folder, 'Dockerfile'), 'FROM scratch\n');
  const tar = (...args: string[]): Buffer => execFileSync('tar', [...args, '-C', folder, '-cf', '-', 'Dockerfile']);
  for (const format of ['v7', 'oldgnu', 'gnu', 'ustar', 'pax'])
    t.true(looksLikeArchive(tar(`--format=${format}`)), format);
  for (const flag of ['-z', '-j', '-J', '--zstd']) t.true(looksLikeArchive(tar(flag)), flag);
  for (const text of ['', 'FROM scratch\n', '#'.repeat(600), '\0'.repeat(600), `BZ ${'x'.repeat(600)}`])
    t.false(looksLikeArchive(Buffer.from(text)), text.slice(0, 20));
});

test('a file of a tree is found by links that stay in it', (t) => {
  const root = makeTempDir('tree');
  t.teardown(() => removeTree(root));
  const tree = join(root, 'tree');
  mkdirSync(join(tree, 'a/b'), { recursive: true });
  writeFileSync(join(root, 'outside'), 'outside');
  writeFileSync(join(tree, 'a/file'), 'inside');
  const links = {
    absolute: '/a/file',
    up: '../../../../a/file',
    folder: 'a/b/..',
    outside: join(root, 'outside'),
    loop: 'loop',
    'a/b/back': '../file',
  };
  for (const [name, target] of Object.entries(links)) symlinkSync(target, join(tree, name));
  const read = (path: string): string | undefined => readTreeFile(tree, path, 100)?.content.toString();
  for (const path of [
    'a/file',
    '/a/file',
    './a//b/../file',
    'absolute',
    'up',
    'folder/file',
    'a/b/back',
    '../../a/file',
  ])
    t.is(read(path), 'inside', path);
  for (const path of ['outside', '../outside', 'a/file/x', 'a/none', 'x'.repeat(300), `..${root}/outside`])
    t.is(read(path), undefined, path);
  t.throws(() => read('loop'), { code: 'ELOOP' });
  t.throws(() => read('a'), { code: 'EISDIR' });
  execFileSync('mkfifo', [join(tree, 'pipe')]);
  t.throws(() => read('pipe'), { code: 'EINVAL' });
  t.deepEqual({ ...readTreeFile(tree, 'a/file', 3), content: '' }, { content: '', total: 6 });
  t.deepEqual([...listTreeDirectory(tree, 'folder')].sort(), ['b', 'file']);
  t.deepEqual(listTreeDirectory(tree, 'outside'), []);
});

test('a context is what it is written like; a directory that is there wins', (t) => {
  const type = (context: string): string => readMainSpec({ context }).type;
  t.is(type('.'), 'directory');
  t.is(type('git@host:a/b'), 'git');
  t.is(type('github.com/a/b'), 'git');
  t.is(type('https://host/a.git#v1'), 'git');
  t.is(type('https://host/a.tar'), 'http');
  for (const context of ['', 'no/such', 'host:a/b'])
    t.throws(() => type(context), { code: 'CONTEXT_UNREADABLE' }, context);
  const named = readNamedSpecs({
    buildContexts: {
      a: '.',
      'b:1': 'docker-image://x@sha256:'.concat('0'.repeat(64)),
      c: 'oci-layout:///l:t',
      d: 'target:S',
    },
  });
  t.deepEqual(
    [...named.values()].map((spec) => spec.type),
    ['directory', 'image', 'layout', 'stage'],
  );
  t.like(named.get('c'), { path: '/l', reference: 't' });
  t.like(named.get('d'), { name: 's' });
});

test('a Dockerfile or an ignore file that is no file is refused, not waited for', (t) => {
  const folder = makeTempDir('fifo');
  t.teardown(() => removeTree(folder));
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo, join(folder, '.dockerignore')]);
  for (const dockerfile of [fifo, '/dev/zero'])
    t.throws(() => readDockerfile({ context: folder, dockerfile }, folder), {
      code: 'DOCKERFILE_UNREADABLE',
      message: /it is not a file/,
    });
  t.throws(() => readNamedIgnore(folder), { message: /it is not a file/ });
});
