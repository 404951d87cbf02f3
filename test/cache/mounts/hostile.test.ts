import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ARTIFACT_TYPE } from '../../../src/cache/mounts/artifact.ts';
import { importChosen } from '../../../src/cache/mounts/library.ts';
import { createOciLayout } from '../../../src/content/index.ts';
import { type Descriptor, describe, encodeJson, type Manifest, MediaType } from '../../../src/oci/index.ts';
import { exec } from '../../support/exec.ts';
import { type RawEntry, writeTar } from '../../support/tar-writer.ts';
import { makePlace, openTravel, useMount } from './setting.ts';

interface Forged {
  readonly tars: readonly (readonly RawEntry[] | Buffer)[];
  /** What the first of the file layers says of its tar. */
  readonly tarSize?: number;
  /** The most entries that a layer says it has. */
  readonly mostEntries?: number;
  readonly change?: (manifest: Manifest) => object;
}

/** Writes a layout that says it holds a cache mount. */
async function forge(
  t: ExecutionContext<unknown>,
  { tars, tarSize, mostEntries = 100, change = (same) => same }: Forged,
): Promise<string> {
  const path = makePlace(t);
  createOciLayout(path);
  const put = (mediaType: string, content: Buffer): Descriptor => {
    const descriptor = describe(mediaType, content);
    writeFileSync(join(path, 'blobs', descriptor.digest.replace(':', '/')), content);
    return descriptor;
  };
  const layers: Descriptor[] = [];
  const all: Forged['tars'] = [[], ...tars];
  for (const [i, entries] of all.entries()) {
    const tar = Buffer.isBuffer(entries) ? entries : writeTar(entries);
    writeFileSync(`${path}.tar`, tar);
    await exec('zstd', ['-q', '-f', `${path}.tar`]);
    const layer = put(MediaType.ociLayerZstd, readFileSync(`${path}.tar.zst`));
    const annotations = {
      'vnd.tsbuild.cache-mount.part': i === 0 ? 'directories' : 'files',
      'vnd.tsbuild.cache-mount.tar-size': String(i === 1 ? (tarSize ?? tar.byteLength) : tar.byteLength),
      'vnd.tsbuild.cache-mount.entries': String(Buffer.isBuffer(entries) ? 1 : Math.min(entries.length, mostEntries)),
    };
    layers.push({ ...layer, annotations });
  }
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: ARTIFACT_TYPE,
    config: put(MediaType.ociEmpty, Buffer.from('{}')),
    layers,
    annotations: {
      'vnd.tsbuild.cache-mount.raw-id': '/c',
      'vnd.tsbuild.cache-mount.mode': '0755',
      'vnd.tsbuild.cache-mount.uid': String(process.getuid?.() ?? 0),
      'vnd.tsbuild.cache-mount.gid': String(process.getgid?.() ?? 0),
    },
  };
  const { digest, size } = put(MediaType.ociManifest, encodeJson(change(manifest)));
  const manifests = [{ mediaType: MediaType.ociManifest, digest, size }];
  writeFileSync(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
  return path;
}

/** A device as no writer of ours makes one. */
function deviceTar(type: '3' | '6'): Buffer {
  const tar = writeTar([{ name: 'dev', type: '0' }]);
  tar.write(type, 156);
  tar.fill(' ', 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return tar;
}

const layersWith = (change: (layer: Descriptor, i: number) => Descriptor) => (manifest: Manifest) => ({
  ...manifest,
  layers: manifest.layers.map(change),
});
const HOSTILE: Readonly<Record<string, Forged & { readonly code: string }>> = {
  'a path above the directory': { tars: [[{ name: '../out', type: '0', content: 'x' }]], code: 'TAR_PATH_ESCAPES' },
  'an absolute path': { tars: [[{ name: '/etc/out', type: '0', content: 'x' }]], code: 'TAR_PATH_ESCAPES' },
  'a way through a symlink': {
    tars: [
      [
        { name: 'up', type: '2', linkname: '../../../..' },
        { name: 'up/out', type: '0', content: 'x' },
      ],
    ],
    code: 'TAR_PATH_ESCAPES',
  },
  'a hardlink to outside': {
    tars: [[{ name: 'h', type: '1', linkname: '../../mount.json' }]],
    code: 'TAR_PATH_ESCAPES',
  },
  'a device': { tars: [deviceTar('3')], code: 'TAR_BAD_ENTRY' },
  'a fifo': { tars: [deviceTar('6')], code: 'TAR_BAD_ENTRY' },
  'more than it says': {
    tars: [[{ name: 'big', type: '0', content: Buffer.alloc(4_000_000) }]],
    tarSize: 10_000,
    code: 'TAR_TOO_LARGE',
  },
  'more entries than it says': {
    tars: [['a', 'b'].map((name): RawEntry => ({ name, type: '0' }))],
    mostEntries: 1,
    code: 'TAR_TOO_LARGE',
  },
  'more entries than anybody has': {
    tars: [[]],
    change: layersWith((layer) => ({
      ...layer,
      annotations: { ...layer.annotations, 'vnd.tsbuild.cache-mount.entries': '20000000' },
    })),
    code: 'CACHE_MOUNT_ARTIFACT_INVALID',
  },
  'more than the disk has': { tars: [[{ name: 'f', type: '0' }]], tarSize: 2 ** 52, code: 'STORE_FULL' },
  'no tar at all': { tars: [Buffer.from('no tar')], code: 'TAR_TRUNCATED' },
  'a layer of another size': {
    tars: [[{ name: 'f', type: '0', content: 'x' }]],
    change: layersWith((layer, i) => (i === 1 ? { ...layer, size: layer.size + 1 } : layer)),
    code: 'SIZE_MISMATCH',
  },
  'layers in no order': {
    tars: [[{ name: 'f', type: '0', content: 'x' }]],
    change: (manifest) => ({ ...manifest, layers: [...manifest.layers].reverse() }),
    code: 'CACHE_MOUNT_ARTIFACT_INVALID',
  },
  'an id with a NUL': {
    tars: [],
    change: (manifest) => ({
      ...manifest,
      annotations: { ...manifest.annotations, 'vnd.tsbuild.cache-mount.raw-id': 'a\0b' },
    }),
    code: 'CACHE_MOUNT_ARTIFACT_INVALID',
  },
  'an image': {
    tars: [],
    change: (manifest) => ({ ...manifest, artifactType: undefined }),
    code: 'CACHE_MOUNT_ARTIFACT_INVALID',
  },
};

for (const [what, { code, ...forged }] of Object.entries(HOSTILE))
  test(`refused: ${what}`, async (t) => {
    const context = await openTravel(t);
    const path = await forge(t, forged);
    const data = await useMount(context, '/c', (root) => writeFileSync(join(root, 'old'), ''));
    await t.throwsAsync(importChosen(context, 'all', { type: 'layout', path }, {}), { code });
    t.deepEqual(readdirSync(data), ['old']);
    t.deepEqual(readdirSync(join(data, '..')).sort(), ['data', 'used']);
    t.deepEqual(readdirSync(context.store.paths.ingest), []);
  });

test('set-id bits of a strange artifact are dropped', async (t) => {
  const context = await openTravel(t);
  const tar = writeTar([{ name: 'su', type: '0', content: 'x' }]);
  tar.write('0004755\0', 100);
  tar.fill(' ', 148, 156);
  const sum = tar.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  tar.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const path = await forge(t, { tars: [tar] });
  await importChosen(context, 'all', { type: 'layout', path }, {});
  t.is(statSync(join(await useMount(context, '/c'), 'su')).mode & 0o7777, 0o755);
});
