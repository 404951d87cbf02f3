// --annotation: what is said of an image lands where it was meant to, and stays there on every way out of the store.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Descriptor, Index, Manifest } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

const FILES = { Dockerfile: 'FROM scratch\nCOPY f /f\n', f: 'f\n' };

/** The first descriptor of a layout, without what names add to it, and what it points to. */
async function readLayout(archive: string): Promise<{ listed: Descriptor; content: Manifest & Index }> {
  const folder = `${archive}.d`;
  await exec('rm', ['-rf', folder]);
  await exec('mkdir', [folder]);
  await exec('tar', ['-xf', archive, '-C', folder]);
  const [listed] = (JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Index).manifests;
  if (listed === undefined) throw new Error(`${archive} lists nothing`);
  const content = readFileSync(join(folder, 'blobs', listed.digest.replace(':', '/')), 'utf8');
  const names = /^(org\.opencontainers|io\.containerd)/;
  const own = Object.entries(listed.annotations ?? {}).filter(([key]) => !names.test(key));
  return {
    listed: { ...listed, annotations: Object.fromEntries(own) },
    content: JSON.parse(content) as Manifest & Index,
  };
}

testNeeding(SETTING_NEEDS, 'annotations land on the manifest and on the descriptor that lists it', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context(FILES);
  const archive = join(setting.work, 'out.tar');
  for (const type of ['oci', 'docker']) {
    const result = await setting.build(
      context,
      'said',
      '--annotation',
      'Plain=1',
      '--annotation',
      'manifest,manifest-descriptor:both=2=2',
      '--annotation',
      'manifest-descriptor[linux/amd64]:mine=3',
      '--annotation',
      'manifest[linux/s390x]:other=4',
      '-o',
      `type=${type},dest=${archive},annotation.own=5,annotation-manifest-descriptor.own=6,annotation.plain=7`,
    );
    t.is(result.code, 0, outputOf(result));
    const { listed, content } = await readLayout(archive);
    t.deepEqual(content.annotations, { Plain: '1', both: '2=2', own: '5', plain: '7' });
    t.deepEqual(listed.annotations, { both: '2=2', mine: '3', own: '6' });
  }
});

testNeeding(SETTING_NEEDS, 'annotations of an index make one', async (t) => {
  const setting = await makeSetting(t);
  const archive = join(setting.work, 'out.tar');
  const result = await setting.build(
    setting.context(FILES),
    'said',
    '--annotation',
    'index:i=1',
    '--annotation',
    'index-descriptor:d=2',
    '--annotation',
    'manifest-descriptor:m=3',
    '-o',
    `type=oci,dest=${archive}`,
  );
  t.is(result.code, 0, outputOf(result));
  const { listed, content } = await readLayout(archive);
  t.deepEqual(listed.annotations, { d: '2' });
  t.deepEqual(content.annotations, { i: '1' });
  t.deepEqual(content.manifests[0]?.annotations, { m: '3' });
  t.is(content.manifests[0]?.platform?.os, 'linux');
});

testNeeding(SETTING_NEEDS, 'what is said of a name stays with it, and with no other name of the image', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context(FILES);
  const { tsbuild, registry, work } = setting;
  const archive = join(work, 'out.tar');
  const saved = async (name: string): Promise<Manifest> => {
    t.is((await tsbuild.run(['save', '--format=oci', '-o', archive, name])).code, 0);
    return (await readLayout(archive)).content;
  };
  t.is((await setting.build(context, 'said', '--annotation', 'a=1')).code, 0);
  t.is((await setting.build(context, 'unsaid')).code, 0);
  t.deepEqual((await saved('said:1')).annotations, { a: '1' });
  t.is((await saved('unsaid:1')).annotations, undefined);
  await tsbuild.run(['tag', 'said:1', 'tagged:1']);
  await tsbuild.run(['tag', 'unsaid:1', 'tagged-unsaid:1']);
  t.deepEqual((await saved('tagged:1')).annotations, { a: '1' });
  t.is((await saved('tagged-unsaid:1')).annotations, undefined);

  const name = `${registry.host}/said:1`;
  await tsbuild.run(['tag', 'said:1', name]);
  const pushed = await tsbuild.run(['push', name]);
  t.is(pushed.code, 0, outputOf(pushed));
  const answer = await fetch(`http://${registry.host}/v2/said/manifests/1`, {
    headers: { accept: 'application/vnd.oci.image.manifest.v1+json' },
  });
  t.deepEqual(((await answer.json()) as Manifest).annotations, { a: '1' });

  t.is((await setting.build(context, 'said')).code, 0);
  t.is((await saved('said:1')).annotations, undefined, 'built without annotations, the name has none any more');
});
