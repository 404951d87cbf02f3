// What comes from outside may be wrong or meant to harm: the error is clear, and nothing else changes.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { ExecutionContext } from 'ava';
import { digestOf, hostPlatform, MediaType } from '../../src/oci/index.ts';
import { exec, tryExec } from '../support/exec.ts';
import { type FakeContent, type FakeRegistry, startFakeRegistry } from '../support/fake-registry.ts';
import { testNeeding } from '../support/needs.ts';
import { type RawEntry, writeTar } from '../support/tar-writer.ts';
import { openTsbuild } from '../support/tsbuild.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, type Setting } from './setting.ts';
import { brokenBlobs } from './soundness.ts';

/** A file that no build may reach: beside the store, where a step up from any snapshot could lead. */
function placeBait(work: string): { readonly path: string; intact(): boolean } {
  const path = join(work, 'bait');
  mkdirSync(path);
  writeFileSync(join(path, 'file'), 'untouched');
  return {
    path,
    intact: () => readFileSync(join(path, 'file'), 'utf8') === 'untouched' && !existsSync(join(path, 'evil')),
  };
}

const UP = '../'.repeat(40);

function hostileTars(bait: string): Readonly<Record<string, readonly RawEntry[]>> {
  return {
    'a name that climbs': [{ name: `${UP.slice(0, 60)}tsbuild-evil`, type: '0', content: 'evil' }],
    'an absolute name': [{ name: `${bait}/evil`, type: '0', content: 'evil' }],
    'a link that leads out, and a file through it': [
      { name: 'exit', type: '2', linkname: bait },
      { name: 'exit/evil', type: '0', content: 'evil' },
      { name: 'exit/file', type: '0', content: 'evil' },
    ],
    'a relative link that climbs out, and a file through it': [
      { name: 'exit', type: '2', linkname: `${UP.slice(0, 60)}${bait.slice(1)}`.slice(0, 99) },
      { name: 'exit/evil', type: '0', content: 'evil' },
    ],
    'a hard link to what is outside': [
      { name: 'hard', type: '1', linkname: `${bait}/file` },
      { name: 'hard', type: '0', content: 'evil' },
    ],
  };
}

/** Serves an image of one layer; `change` may falsify what was made. */
async function serveImage(
  t: ExecutionContext,
  layer: Buffer,
  change: (parts: Parts) => void = () => {},
): Promise<FakeRegistry> {
  const compressed = gzipSync(layer);
  const config = Buffer.from(
    JSON.stringify({ ...hostPlatform(), config: {}, rootfs: { type: 'layers', diff_ids: [digestOf(layer)] } }),
  );
  const blobs = new Map<string, Uint8Array>([
    [digestOf(config), config],
    [digestOf(compressed), compressed],
  ]);
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: MediaType.ociLayerGzip, digest: digestOf(compressed), size: compressed.length }],
  };
  const parts: Parts = { manifest, blobs, layerDigest: digestOf(compressed), manifests: new Map() };
  change(parts);
  const body = Buffer.from(JSON.stringify(manifest));
  const content = { mediaType: MediaType.ociManifest, body };
  const registry = await startFakeRegistry(
    new Map([['1', content], [digestOf(body), content], ...parts.manifests]),
    blobs,
  );
  t.teardown(() => registry.stop());
  return registry;
}

interface Parts {
  readonly manifest: { layers: { digest: string; size: number }[] };
  readonly blobs: Map<string, Uint8Array>;
  readonly layerDigest: string;
  /** More manifests, which win over the true ones. */
  readonly manifests: Map<string, FakeContent>;
}

for (const name of Object.keys(hostileTars(''))) {
  testNeeding(SETTING_NEEDS, `a layer with ${name} stays inside`, async (t) => {
    const setting = await makeSetting(t);
    const bait = placeBait(setting.work);
    const registry = await serveImage(t, writeTar(hostileTars(bait.path)[name] ?? []));
    const context = setting.context({ Dockerfile: `FROM ${registry.host}/hostile:1\nCOPY a /a\n`, a: 'a' });
    const result = await setting.build(context, 'hostile');
    t.true(bait.intact());
    t.false(existsSync('/tsbuild-evil'));
    // Links are followed inside the root, as in every image; names that climb out are refused.
    if (result.code !== 0) t.regex(outputOf(result), /exit|evil|hard|bait/, 'the error names the entry');
    await assertUsable(t, setting);
  });

  testNeeding(SETTING_NEEDS, `ADD of a tar with ${name} stays inside`, async (t) => {
    const setting = await makeSetting(t);
    const bait = placeBait(setting.work);
    const context = setting.context({
      Dockerfile: `${FROM_BUSYBOX}ADD hostile.tar /out/\n`,
      'hostile.tar': writeTar(hostileTars(bait.path)[name] ?? []),
    });
    const result = await setting.build(context, 'hostile');
    t.true(bait.intact());
    t.false(existsSync('/tsbuild-evil'));
    if (result.code !== 0) t.regex(outputOf(result), /exit|evil|hard|bait/, 'the error names the entry');
    await assertUsable(t, setting);
  });
}

async function assertUsable(t: ExecutionContext, setting: Setting): Promise<void> {
  const context = setting.context({ Dockerfile: `${FROM_BUSYBOX}RUN echo fine >/fine\n` }, 'after');
  const after = await setting.build(context, 'after');
  t.is(after.code, 0, outputOf(after));
}

const LAYER = writeTar([{ name: 'file', type: '0', content: 'content '.repeat(10_000) }]);

const FALSIFICATIONS: Readonly<Record<string, { readonly says: RegExp; readonly change: (parts: Parts) => void }>> = {
  'a layer whose content is not what its digest says': {
    says: /hashes to|digest/i,
    change({ blobs, layerDigest }) {
      const content = Buffer.from(blobs.get(layerDigest) ?? []);
      content[content.length - 20] = (content[content.length - 20] ?? 0) ^ 0xff;
      blobs.set(layerDigest, content);
    },
  },
  'a layer longer than its descriptor says': {
    says: /size|bytes|longer/i,
    change({ manifest }) {
      for (const layer of manifest.layers) layer.size -= 7;
    },
  },
  'a layer shorter than its descriptor says': {
    says: /size|bytes|short/i,
    change({ manifest }) {
      for (const layer of manifest.layers) layer.size += 7;
    },
  },
  'a truncated gzip': {
    says: /truncated|unexpected end|gzip|corrupt/i,
    change({ manifest, blobs, layerDigest }) {
      const content = (blobs.get(layerDigest) ?? Buffer.alloc(0)).subarray(0, 60);
      const digest = digestOf(content);
      blobs.set(digest, content);
      manifest.layers[0] = { ...manifest.layers[0], digest, size: content.length };
    },
  },
  'a layer that is not the diffID of the config': {
    says: /diff.?id/i,
    change({ manifest, blobs }) {
      const content = gzipSync(writeTar([{ name: 'other', type: '0', content: 'x' }]));
      const digest = digestOf(content);
      blobs.set(digest, content);
      manifest.layers[0] = { ...manifest.layers[0], digest, size: content.length };
    },
  },
};

for (const [name, { says, change }] of Object.entries(FALSIFICATIONS)) {
  testNeeding(SETTING_NEEDS, `a registry that serves ${name}`, async (t) => {
    const setting = await makeSetting(t);
    const registry = await serveImage(t, LAYER, change);
    const context = setting.context({ Dockerfile: `FROM ${registry.host}/false:1\nCOPY a /a\nRUN true\n`, a: 'a' });
    const result = await setting.build(context, 'false');
    t.not(result.code, 0);
    t.regex(outputOf(result), says);
    t.notRegex(outputOf(result), /^ +at .+:\d+:\d+\)?$/m, 'no stack trace');
    t.deepEqual(brokenBlobs(setting.tsbuild.root), []);
    await assertUsable(t, setting);
  });
}

testNeeding(SETTING_NEEDS, 'a manifest asked for by digest that is another one', async (t) => {
  const setting = await makeSetting(t);
  const wanted = digestOf('something else');
  const registry = await serveImage(t, LAYER, (parts) => {
    parts.manifests.set(wanted, {
      mediaType: MediaType.ociManifest,
      body: Buffer.from(JSON.stringify(parts.manifest)),
    });
  });
  const result = await setting.tsbuild.run(['pull', `${registry.host}/false@${wanted}`]);
  t.not(result.code, 0);
  t.regex(outputOf(result), /hashes to|digest/i);
  const images = await setting.tsbuild.run(['images', '-q']);
  t.is(images.stdout.trim(), '');
});

testNeeding(SETTING_NEEDS, 'a Dockerfile with a syntax error is shown with its line', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({ Dockerfile: `${FROM_BUSYBOX}RUN echo fine\nCOPPY a /a\n` });
  const result = await setting.build(context, 'wrong');
  t.not(result.code, 0);
  t.regex(outputOf(result), /Dockerfile:4/);
  t.regex(outputOf(result), /COPPY/);
  t.regex(outputOf(result), /COPY/, 'it says what may have been meant');
});

testNeeding(SETTING_NEEDS, 'a full disk is named, and once there is room the build succeeds', async (t) => {
  const setting = await makeSetting(t);
  const root = join(setting.work, 'small');
  mkdirSync(root);
  await exec('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', root]);
  t.teardown(() => tryExec('umount', ['--lazy', root]).then(() => {}));
  const tsbuild = openTsbuild(root);
  const context = setting.context({
    Dockerfile: `${FROM_BUSYBOX}RUN echo small >/small\nCOPY big /big\nRUN cat /big /big >/twice\n`,
    big: Buffer.alloc(12_000_000, 'x'),
  });
  const args = ['build', '--progress=plain', `--build-arg=REGISTRY=${setting.registry.host}`, '-t', 'full:1', context];
  const full = await tsbuild.run(args);
  t.not(full.code, 0);
  t.regex(outputOf(full), /no space left|ENOSPC|disk is full/i);
  t.notRegex(outputOf(full), /^ +at .+:\d+:\d+\)?$/m, 'no stack trace');
  t.deepEqual(brokenBlobs(root), []);
  await exec('mount', ['-o', 'remount,size=400m', root]);
  const roomy = await tsbuild.run(args);
  t.is(roomy.code, 0, outputOf(roomy));
});
