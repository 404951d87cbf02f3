import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { readImage } from '../support/image-tree.ts';
import { testNeeding } from '../support/needs.ts';
import { openTsbuild, type Tsbuild } from '../support/tsbuild.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, type Setting } from './setting.ts';

const FILES = {
  Dockerfile: `${FROM_BUSYBOX}RUN echo good > /good\nCOPY file /file\nRUN cat /file >> /good\n`,
  file: 'content\n',
};

interface Layer {
  mediaType: string;
  digest: string;
  size: number;
  annotations: Record<string, string>;
}

async function exportCache(t: ExecutionContext, setting: Setting, dest: string): Promise<string> {
  const context = setting.context(FILES);
  const built = await setting.build(context, 'app', `--cache-to=type=local,dest=${dest},mode=max`);
  t.is(built.code, 0, outputOf(built));
  return context;
}

/** Changes the manifest of a cache in a directory; nothing else of it. */
function forge(
  dest: string,
  change: (layers: Layer[], put: (content: Buffer) => Pick<Layer, 'digest' | 'size'>) => void,
) {
  const put = (content: Buffer) => {
    const digest = digestOf(content);
    writeFileSync(join(dest, 'blobs', digest.replace(':', '/')), content);
    return { digest, size: content.byteLength };
  };
  const index = JSON.parse(readFileSync(join(dest, 'index.json'), 'utf8')) as { manifests: Layer[] };
  const [root] = index.manifests as [Layer];
  const manifest = JSON.parse(readFileSync(join(dest, 'blobs', root.digest.replace(':', '/')), 'utf8')) as {
    layers: Layer[];
    config: Layer;
  };
  const before = manifest.layers.map(({ digest }) => digest);
  change(manifest.layers, put);
  let config = readFileSync(join(dest, 'blobs', manifest.config.digest.replace(':', '/')), 'utf8');
  for (const [i, digest] of before.entries()) config = config.replaceAll(digest, manifest.layers[i]?.digest ?? '');
  Object.assign(manifest.config, put(Buffer.from(config)));
  Object.assign(root, put(Buffer.from(JSON.stringify(manifest))));
  writeFileSync(join(dest, 'index.json'), JSON.stringify(index));
}

/** The layer with one text changed into another: another layer than its diffID says. */
const changed = (dest: string, layer: Layer): Buffer => {
  const tar = gunzipSync(readFileSync(join(dest, 'blobs', layer.digest.replace(':', '/'))));
  tar.writeUInt8(tar.readUInt8(300) ^ 1, 300);
  return gzipSync(tar);
};

const lie = (dest: string) =>
  forge(dest, (layers, put) => {
    for (const layer of layers) Object.assign(layer, put(changed(dest, layer)));
  });

const build = (tsbuild: Tsbuild, { registry }: Setting, context: string, ...flags: string[]) =>
  tsbuild.run(['build', '--progress=plain', `--build-arg=REGISTRY=${registry.host}`, ...flags, context]);

testNeeding(SETTING_NEEDS, 'what a store has proved is pushed, not what a cache says of it', async (t) => {
  const setting = await makeSetting(t);
  const dest = join(setting.work, 'cache');
  const context = await exportCache(t, setting, dest);
  lie(dest);
  const name = `${setting.registry.host}/pushed:1`;
  // Another store has the image, and so what its layers are.
  const image = `${setting.registry.host}/right:1`;
  for (const args of [
    ['tag', 'app:1', image],
    ['push', image],
  ])
    t.is((await setting.tsbuild.run(args)).code, 0);
  const other = openTsbuild(join(setting.work, 'other'));
  const proved = setting.context({ Dockerfile: `FROM ${image}\nRUN true\n` }, 'proved');
  t.is((await build(other, setting, proved)).code, 0);
  const pushed = await build(other, setting, context, `--cache-from=type=local,src=${dest}`, '-t', name, '--push');
  t.is(pushed.code, 0, outputOf(pushed));
  t.regex(outputOf(pushed), /#\d+ CACHED/);
  const pulled = await build(
    openTsbuild(join(setting.work, 'third')),
    setting,
    setting.context({ Dockerfile: `FROM ${name}\nRUN true\n` }, 'looks'),
  );
  t.is(pulled.code, 0, outputOf(pulled));
});

testNeeding(SETTING_NEEDS, 'a layer that a registry lost fails no push: its steps run', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context(FILES);
  const cache = `${setting.registry.host}/cache:1`;
  const built = await setting.build(context, 'app', `--cache-to=type=registry,ref=${cache},mode=max`);
  t.is(built.code, 0, outputOf(built));
  const links = join(setting.registry.root, 'docker/registry/v2/repositories/cache/_layers/sha256');
  const before = readdirSync(links);
  for (const digest of before) {
    const blob = join(setting.registry.root, 'docker/registry/v2/blobs/sha256', digest.slice(0, 2), digest, 'data');
    if (readFileSync(blob)[0] === 0x1f && readFileSync(blob).byteLength < 5000)
      rmSync(join(links, digest), { recursive: true });
  }
  t.true(readdirSync(links).length < before.length);
  const other = openTsbuild(join(setting.work, 'other'));
  const name = `${setting.registry.host}/pushed:1`;
  const pushed = await build(other, setting, context, `--cache-from=${cache}`, '-t', name, '--push');
  t.is(pushed.code, 0, outputOf(pushed));
  const looks = setting.context({ Dockerfile: `FROM ${name}\nRUN true\n` }, 'looks');
  const pulled = await build(openTsbuild(join(setting.work, 'third')), setting, looks);
  t.is(pulled.code, 0, outputOf(pulled));
});

testNeeding(SETTING_NEEDS, 'a cache whose layers lie leaves nothing in the store that others could take', async (t) => {
  const setting = await makeSetting(t);
  const dest = join(setting.work, 'cache');
  const context = await exportCache(t, setting, dest);
  lie(dest);
  const other = openTsbuild(join(setting.work, 'other'));
  const from = `--cache-from=type=local,src=${dest}`;
  // One that only keeps what it is given, which is proved all the same, and one that looks into it.
  const kept = await build(other, setting, context, from, '-t', 'kept:1');
  t.is(kept.code, 0, outputOf(kept));
  t.regex(outputOf(kept), /is not used any more, its steps run/);
  const out = join(setting.work, 'out');
  const looked = await build(other, setting, context, from, '-o', out);
  t.is(looked.code, 0, outputOf(looked));
  t.is(readFileSync(join(out, 'good'), 'utf8'), 'good\ncontent\n');
  const archive = join(setting.work, 'app.tar');
  for (const args of [
    ['build', `--build-arg=REGISTRY=${setting.registry.host}`, '-t', 'app:1', context],
    ['save', '-o', archive, 'app:1'],
  ]) {
    const done = await other.run(args);
    t.is(done.code, 0, outputOf(done));
  }
  t.true(readImage(archive).tree.has('good'));
  const checked = await other.run(['fsck', '--full']);
  t.notRegex(outputOf(checked), /error/, outputOf(checked));
});
