import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { unmountBelow } from '../support/mounts.ts';
import { testNeeding } from '../support/needs.ts';
import { type RawEntry, writeTar } from '../support/tar-writer.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { addImage, collect, makeParts, openRoom, openRoomAt, type SampleParts } from './room.ts';

const blobName = (content: Buffer): string => `blobs/${digestOf(content).replace(':', '/')}`;

/** The entries of an OCI archive, of which a test spoils one. */
function layoutEntries(parts: SampleParts): Map<string, RawEntry> {
  const index = { schemaVersion: 2, manifests: [parts.manifest] };
  const files: (readonly [string, string | Buffer])[] = [
    ['oci-layout', '{"imageLayoutVersion":"1.0.0"}'],
    ['index.json', JSON.stringify(index)],
    ['manifest', parts.manifestBytes],
    ['config', parts.configBytes],
    ...parts.layers.map(({ blob }, i) => [`layer${i}`, blob] as const),
  ];
  const paths: Readonly<Record<string, string>> = {
    manifest: blobName(parts.manifestBytes),
    config: blobName(parts.configBytes),
    ...Object.fromEntries(parts.layers.map(({ blob }, i) => [`layer${i}`, blobName(blob)])),
  };
  return new Map(files.map(([key, content]) => [key, { name: paths[key] ?? key, type: '0', content }]));
}

function dockerEntries(parts: SampleParts, change: Partial<{ Config: string; Layers: string[] }> = {}): RawEntry[] {
  const row = { Config: 'config.json', RepoTags: ['bad:1'], Layers: ['layer.tar'], ...change };
  return [
    { name: 'config.json', type: '0', content: parts.configBytes },
    { name: 'layer.tar', type: '0', content: parts.layers[0]?.tar ?? Buffer.alloc(0) },
    { name: 'manifest.json', type: '0', content: JSON.stringify([row]) },
  ];
}

function spoil(key: string, change: Partial<RawEntry> | undefined, parts = makeParts()): Buffer {
  const entries = layoutEntries(parts);
  const entry = entries.get(key);
  if (entry === undefined || change === undefined) entries.delete(key);
  else entries.set(key, { ...entry, ...change });
  return writeTar([...entries.values()]);
}

/** The manifest says another thing of the image than its blobs do. */
function lie(change: (parts: SampleParts) => object): Buffer {
  const parts = makeParts();
  const manifestBytes = Buffer.from(JSON.stringify(change(parts)));
  const manifest = { ...parts.manifest, digest: digestOf(manifestBytes), size: manifestBytes.length };
  return writeTar([...layoutEntries({ ...parts, manifestBytes, manifest }).values()]);
}

const parts = makeParts();
const asManifest = ({ manifestBytes }: SampleParts) => JSON.parse(manifestBytes.toString());
const whole = writeTar([...layoutEntries(parts).values()]);
const swapped = makeParts({ layers: [{ file: 'another content\n' }] });

const ARCHIVES: Readonly<Record<string, readonly [Buffer, string | RegExp]>> = {
  'nothing at all': [Buffer.alloc(0), 'ARCHIVE_INVALID'],
  'no tar': [Buffer.from('this is not an archive'.repeat(100)), 'ARCHIVE_INVALID'],
  'an empty tar': [writeTar([]), 'ARCHIVE_INVALID'],
  'a tar cut off in a blob': [whole.subarray(0, 2000), 'ARCHIVE_INVALID'],
  'a gzip cut off': [gzipSync(whole).subarray(0, 400), 'ARCHIVE_INVALID'],
  'a path out of the archive': [
    writeTar([{ name: '../../escaped', type: '0', content: 'x' }, ...layoutEntries(parts).values()]),
    'ARCHIVE_INVALID',
  ],
  'an absolute path': [writeTar([{ name: '/escaped', type: '0', content: 'x' }]), 'ARCHIVE_INVALID'],
  'a link out of the archive': [
    writeTar([{ name: 'index.json', type: '2', linkname: '../../../etc/passwd' }]),
    'ARCHIVE_INVALID',
  ],
  'links in a circle': [
    writeTar([
      { name: 'index.json', type: '2', linkname: 'other.json' },
      { name: 'other.json', type: '2', linkname: 'index.json' },
    ]),
    'ARCHIVE_INVALID',
  ],
  'a blob with another content than its name': [spoil('config', { content: '{}' }), 'ARCHIVE_INVALID'],
  'a missing layer': [spoil('layer0', undefined), 'ARCHIVE_INVALID'],
  'a missing config': [spoil('config', undefined), 'ARCHIVE_INVALID'],
  'an index that is no JSON': [spoil('index.json', { content: '{' }), 'MANIFEST_INVALID'],
  'an index without images': [
    spoil('index.json', { content: '{"schemaVersion":2,"manifests":[]}' }),
    'ARCHIVE_INVALID',
  ],
  'a name that is none': [
    spoil('index.json', {
      content: JSON.stringify({
        schemaVersion: 2,
        manifests: [{ ...parts.manifest, annotations: { 'io.containerd.image.name': 'NOT A NAME' } }],
      }),
    }),
    'REFERENCE_INVALID',
  ],
  'a wrong size of a layer': [
    lie((of) => {
      const manifest = asManifest(of);
      manifest.layers[0].size++;
      return manifest;
    }),
    'ARCHIVE_INVALID',
  ],
  'fewer layers than the config says': [lie((of) => ({ ...asManifest(of), layers: [] })), /INVALID/],
  "docker's kind, with a config out of the archive": [
    writeTar(dockerEntries(parts, { Config: '../../etc/passwd' })),
    'ARCHIVE_INVALID',
  ],
  "docker's kind, with a missing layer": [writeTar(dockerEntries(parts, { Layers: ['none.tar'] })), 'ARCHIVE_INVALID'],
  "docker's kind, with another layer than the config says": [
    writeTar(dockerEntries({ ...swapped, configBytes: parts.configBytes })),
    'ARCHIVE_INVALID',
  ],
};

for (const [what, [archive, code]] of Object.entries(ARCHIVES))
  test(`${what} is refused, and nothing of it is kept`, async (t) => {
    const room = await openRoom(t);
    await addImage(room, ['kept:1'], { config: { User: 'kept' } });
    const before = [...room.content.list()].map(({ digest }) => digest).sort();
    const error = await t.throwsAsync(room.images.loadImages(Readable.from([archive])));
    const found = (error as { code?: string }).code ?? String(error);
    if (typeof code === 'string') t.is(found, code, error?.message);
    else t.regex(found, code, error?.message);
    t.deepEqual([...room.content.list()].map(({ digest }) => digest).sort(), before);
    t.deepEqual(
      (await room.images.listImages()).map(({ repository }) => repository),
      ['kept'],
    );
    t.deepEqual(readdirSync(room.store.paths.ingest), []);
    t.false(existsSync('/escaped'));
  });

test('a compressed layer that is not what the config says is refused when it is unpacked', async (t) => {
  const room = await openRoom(t);
  const archive = lie((of) => {
    const manifest = asManifest(of);
    return { ...manifest, layers: [{ ...manifest.layers[0], ...describe(swapped) }] };
  });
  // The other layer's blob must be in the archive for that.
  const entries = writeTar([
    {
      name: blobName(swapped.layers[0]?.blob ?? Buffer.alloc(0)),
      type: '0',
      content: swapped.layers[0]?.blob ?? Buffer.alloc(0),
    },
  ]);
  await t.throwsAsync(room.images.loadImages(Readable.from([Buffer.concat([entries.subarray(0, -1024), archive])])), {
    code: 'DIFFID_MISMATCH',
    message: /cannot unpack .*the image says/,
  });
  t.deepEqual([...room.content.list()], []);
  t.deepEqual(room.snapshotter.list(), []);
});

function describe({ layers }: SampleParts): object {
  const blob = layers[0]?.blob ?? Buffer.alloc(0);
  return { digest: digestOf(blob), size: blob.length };
}

test('a compression that is not read is named', async (t) => {
  const room = await openRoom(t);
  for (const [name, magic] of [
    ['xz', '\xfd7zXZ\0'],
    ['bzip2', 'BZh91AY'],
  ] as const)
    await t.throwsAsync(room.images.loadImages(Readable.from([Buffer.from(magic, 'latin1')])), {
      code: 'ARCHIVE_INVALID',
      message: new RegExp(`compressed with ${name}; unpack it first: ${name} -dc`),
    });
});

test('a load that is ended leaves nothing', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1'], { layers: [{ big: 'x'.repeat(3_000_000) }], compression: 'none' });
  const archive = await collect((output) => room.images.saveImages(['app:1'], output));
  await room.images.removeImage('app:1');
  const abort = new AbortController();
  async function* slowly(): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 1_000_000);
    abort.abort(new Error('enough'));
    yield archive.subarray(1_000_000);
  }
  await t.throwsAsync(room.images.loadImages(Readable.from(slowly()), { signal: abort.signal }), { message: 'enough' });
  t.deepEqual([...room.content.list()], []);
  t.deepEqual(readdirSync(room.store.paths.ingest), []);
});

test('an archive that breaks off in its first file leaves nothing', async (t) => {
  const room = await openRoom(t);
  const large = makeParts({ layers: [{ big: 'x'.repeat(300_000) }], compression: 'none' });
  const blob = large.layers[0]?.blob ?? Buffer.alloc(0);
  const archive = writeTar([{ name: blobName(blob), type: '0', content: blob }]);
  async function* breaking(): AsyncGenerator<Buffer> {
    yield archive.subarray(0, 100_000);
    throw new Error('the line broke');
  }
  await t.throwsAsync(room.images.loadImages(Readable.from(breaking())), { code: 'ARCHIVE_INVALID' });
  t.deepEqual(readdirSync(room.store.paths.ingest), []);
});

testNeeding(
  ['root', 'mount', 'umount'],
  'an archive that the disk cannot take is refused, and nothing of it is kept',
  async (t) => {
    const large = { big: randomBytes(4_000_000).toString('base64') };
    const archive = writeTar([...layoutEntries(makeParts({ layers: [large], compression: 'none' })).values()]);
    const small = makeTempDir('small');
    await exec('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', small]);
    const room = await openRoomAt(join(small, 'store'), small);
    t.teardown(async () => {
      await room.close();
      await unmountBelow(small);
      removeTree(small);
    });
    await addImage(room, ['kept:1']);
    await t.throwsAsync(room.images.loadImages(Readable.from([archive])), {
      code: 'STORE_FULL',
      message: /no space left/,
    });
    t.deepEqual(readdirSync(room.store.paths.ingest), []);
    t.is([...room.content.list()].length, 3);
    t.is((await room.images.inspectImage('kept:1')).RepoTags[0], 'kept:1');
  },
);
