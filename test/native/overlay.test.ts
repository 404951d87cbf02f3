import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test from 'ava';
import { writeTree } from '../runtime/fixture.ts';
import { exec, findCommands, tryExec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const root = resolve(import.meta.dirname, '../../..');

let directory: string;
test.before(async () => {
  if (findCommands('g++').length === 0) return;
  directory = makeTempDir('page', existsSync('/dev/shm') ? '/dev/shm' : undefined);
  const native = join(root, 'native');
  const sources = ['mount', 'base'].flatMap((room) =>
    readdirSync(join(native, room))
      .filter((file) => file.endsWith('.cc'))
      .map((file) => join(native, room, file)),
  );
  const main = join(root, 'test/native/mount-by-page.cc');
  const flags = ['-std=gnu++20', '-D_GNU_SOURCE', `-I${native}`];
  await exec('g++', [...flags, main, ...sources, '-o', join(directory, 'mount-by-page')]);
});
test.after.always(() => {
  if (directory !== undefined) removeTree(directory);
});

function mountByPage(name: string, lowers: readonly string[], script: string) {
  const [target, upper, work] = ['target', 'upper', 'work'].map((part) => join(directory, name, part));
  for (const path of [target, upper, work]) mkdirSync(path ?? '', { recursive: true });
  const args = [target, upper, work, ...lowers, '--', 'sh', '-c', `cd ${target}; ${script}`].map(String);
  return tryExec(join(directory, 'mount-by-page'), args);
}

function makeLowers(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) =>
    writeTree(join(directory, name, `l:o,w\\er${i}`), { [`own/${i}`]: '', shared: `${i}` }),
  );
}

const needs = ['root', 'g++'];

testNeeding(
  needs,
  'older kernels: three hundred layers fit into the one page of options, whatever their names',
  async (t) => {
    const run = await mountByPage(
      'many',
      makeLowers('many', 300),
      'ls own | wc -l; cat shared; rm own/0; echo w > shared; ls own | wc -l',
    );
    t.is(run.stdout, '300\n0299\n', run.stderr);
    t.deepEqual(readdirSync(join(directory, 'many/upper')).sort(), ['own', 'shared']);
  },
);

testNeeding(needs, 'older kernels: more than the page holds is refused with a number', async (t) => {
  const run = await mountByPage('too-many', makeLowers('too-many', 900), 'true');
  t.is(run.code, 1);
  t.regex(run.stdout, /^900 layers are more than this kernel can mount|EINVAL/);
});

testNeeding(needs, 'older kernels: a layer that is not there is named', async (t) => {
  const run = await mountByPage('missing', [join(directory, 'nosuch')], 'true');
  t.regex(run.stdout, /ENOENT.*nosuch/);
});
