// COPY --link: a layer that depends on nothing below it. A change of the base neither makes it again nor changes it, and its files
// are nowhere twice.
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readImage } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { makeSetting, outputOf, SETTING_NEEDS, type Setting } from './setting.ts';

const BASE = 'ARG REGISTRY\nFROM $REGISTRY/busybox:1\nRUN mkdir /srv && ln -s srv /alias && echo base-1 >/srv/base\n';
const LINKED = 'COPY --link big /srv/data/\nCOPY --link small /alias/small\n';

async function diffIDsOf(setting: Setting, tag: string): Promise<readonly string[]> {
  const { stdout } = await setting.tsbuild.run(['image', 'inspect', '-f', '{{json .RootFS.Layers}}', `${tag}:1`]);
  return JSON.parse(stdout) as string[];
}

testNeeding(SETTING_NEEDS, 'a linked layer outlives a change of what is below it, to the byte', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({ Dockerfile: BASE + LINKED, big: 'x'.repeat(1_000_000), small: 's\n' });
  const first = await setting.build(context, 'one');
  t.is(first.code, 0, outputOf(first));
  const before = await diffIDsOf(setting, 'one');

  writeFileSync(join(context, 'Dockerfile'), BASE.replace('base-1', 'base-2') + LINKED);
  const second = outputOf(await setting.build(context, 'two'));
  const steps = [...second.matchAll(/^#(\d+) \[\d\/\d\] COPY --link/gm)];
  t.is(steps.length, 2, 'each linked copy is one step, shown once');
  for (const [, step = ''] of steps) t.regex(second, new RegExp(`^#${step} CACHED$`, 'm'));
  const after = await diffIDsOf(setting, 'two');
  t.deepEqual(after.slice(-2), before.slice(-2), second);
  t.not(after.at(-3), before.at(-3));

  const archive = join(setting.work, 'two.tar');
  await setting.tsbuild.run(['save', '--format=oci', '-o', archive, 'two:1']);
  const { tree } = readImage(archive);
  t.is(tree.get('srv/data/big')?.size, 1_000_000);
  t.is(tree.get('alias')?.type, 'directory', 'a symlink in the way is replaced');
  t.true(tree.has('srv/base'));

  const snapshots = join(setting.tsbuild.root, 'snapshots');
  const copies = readdirSync(snapshots).filter((name) => existsSync(join(snapshots, name, 'fs/srv/data/big')));
  t.is(copies.length, 1, 'both images have the file in one place');
});

testNeeding(
  SETTING_NEEDS,
  'steps on a linked layer see it, and change it without changing it for others',
  async (t) => {
    const setting = await makeSetting(t);
    const run = 'RUN cat /srv/data/big /alias/small && rm /srv/data/big && echo new >/srv/data/new\n';
    const context = setting.context({ Dockerfile: BASE + LINKED + run, big: 'big\n', small: 'small\n' });
    const changed = await setting.build(context, 'changed');
    t.is(changed.code, 0, outputOf(changed));
    writeFileSync(join(context, 'Dockerfile'), `${BASE}${LINKED}RUN cat /srv/data/big && test ! -e /srv/data/new\n`);
    const other = await setting.build(context, 'other');
    t.is(other.code, 0, outputOf(other));
    const archive = join(setting.work, 'changed.tar');
    await setting.tsbuild.run(['save', '--format=oci', '-o', archive, 'changed:1']);
    const { tree } = readImage(archive);
    t.false(tree.has('srv/data/big'));
    t.true(tree.has('srv/data/new'));
  },
);
