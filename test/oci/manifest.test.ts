import { createHash } from 'node:crypto';
import test from 'ava';
import {
  chainIDs,
  childrenOf,
  type Descriptor,
  type Digest,
  describe,
  digestAlgorithm,
  digestEncoded,
  digestOf,
  encodeJson,
  isDigest,
  layerCompression,
  layerMediaType,
  MediaType,
  parseDigest,
  parseImageConfig,
  parseIndex,
  parseManifest,
  shortDigest,
  sniffManifestType,
} from '../../src/oci/index.ts';

const blob = (text: string, mediaType: string = MediaType.ociLayerGzip): Descriptor =>
  describe(mediaType, Buffer.from(text));
const config = blob('{}', MediaType.ociConfig);
const manifest = { schemaVersion: 2, config, layers: [blob('1'), blob('2')] };

test('digests: form, algorithm, parts', (t) => {
  const sha256 = digestOf('x');
  const sha512: Digest = `sha512:${createHash('sha512').update('x').digest('hex')}`;
  t.is(sha256, `sha256:${createHash('sha256').update('x').digest('hex')}`);
  for (const digest of [sha256, sha512]) t.is(parseDigest(digest), digest);
  t.is(digestAlgorithm(sha512), 'sha512');
  t.is(digestEncoded(sha256).length, 64);
  t.is(shortDigest(sha256).length, 12);
  const bad = [
    '',
    'sha256',
    'sha256:',
    'sha256:xyz',
    `sha256:${'A'.repeat(64)}`,
    `sha512:${'a'.repeat(64)}`,
    `md5:${'a'.repeat(32)}`,
  ];
  for (const text of [
    ...bad,
    `sha256:${'a'.repeat(63)}/`,
    `__proto__:${'a'.repeat(64)}`,
    ` ${sha256}`,
    `${sha256}\n`,
  ]) {
    t.false(isDigest(text), text);
    t.throws(() => parseDigest(text), { code: 'DIGEST_INVALID' });
  }
});

test('children of a manifest and of an index come in the order of a push', (t) => {
  const content = encodeJson(manifest);
  const descriptor = describe(MediaType.ociManifest, content);
  t.deepEqual(childrenOf(descriptor, content), [...manifest.layers, config]);
  const index = encodeJson({ schemaVersion: 2, manifests: [descriptor] });
  t.deepEqual(childrenOf(describe(MediaType.dockerIndex, index), index), [descriptor]);
  t.deepEqual(childrenOf(config, Buffer.from('{}')), []);
});

const BAD_MANIFESTS: readonly [string, unknown, RegExp][] = [
  ['not an object', [], /not a JSON object/],
  ['schema 1', { ...manifest, schemaVersion: 1 }, /schemaVersion is 1/],
  ['no config', { ...manifest, config: undefined }, /config: not a descriptor/],
  ['layers that are no list', { ...manifest, layers: {} }, /layers is not an array/],
  [
    'a layer with a path for a digest',
    { ...manifest, layers: [{ ...config, digest: 'sha256:../../x' }] },
    /layers\[0\]: digest/,
  ],
  ['a negative size', { ...manifest, layers: [{ ...config, size: -1 }] }, /size -1/],
  ['a size with a fraction', { ...manifest, config: { ...config, size: 1.5 } }, /size 1.5/],
  ['a size beyond counting', { ...manifest, config: { ...config, size: 2 ** 53 } }, /size/],
  ['the type of an index', { ...manifest, mediaType: MediaType.ociIndex }, /expected a manifest/],
  [
    'a number for an annotation',
    { ...manifest, layers: [{ ...config, annotations: { created: 7 } }] },
    /layers\[0\]: annotations: "created" is not a text/,
  ],
  ['a text for its annotations', { ...manifest, annotations: 'x' }, /annotations: not an object/],
  ['a number for an os', { ...manifest, config: { ...config, platform: { os: 7 } } }, /platform: "os" is not a text/],
  [
    'a number for a feature',
    { ...manifest, config: { ...config, platform: { os: 'linux', 'os.features': [7] } } },
    /os.features/,
  ],
  ['null for a layer', { ...manifest, layers: [null] }, /layers\[0\]: not a descriptor/],
];

for (const [what, value, why] of BAD_MANIFESTS)
  test(`a manifest with ${what} is refused`, (t) => {
    t.throws(() => parseManifest(encodeJson(value as object), 'here'), { code: 'MANIFEST_INVALID', message: why });
  });

test('what is neither manifest nor index nor config is refused with its place', (t) => {
  t.throws(() => parseManifest(Buffer.from('{"a":'), 'there'), {
    code: 'MANIFEST_INVALID',
    message: /^there: not JSON/,
  });
  t.throws(() => parseIndex(encodeJson(manifest), 'there'), { message: /manifests is not an array/ });
  t.throws(() => parseIndex(encodeJson({ schemaVersion: 2, manifests: [{}] }), 'x'), {
    message: /mediaType is missing/,
  });
  t.throws(() => parseImageConfig(Buffer.from('null'), 'x'), { code: 'MANIFEST_INVALID' });
  t.throws(() => parseImageConfig(Buffer.from('{}'), 'x'), { message: /rootfs/ });
  t.throws(() => parseImageConfig(Buffer.from('nope'), 'x'), { message: /not JSON/ });
});

test('a config has fields of the types that Go reads; null is none', (t) => {
  const rootfs = { type: 'layers', diff_ids: [digestOf('x')] };
  const parse = (value: object) => parseImageConfig(encodeJson({ rootfs, ...value }), 'here');
  for (const [value, field] of [
    [{ rootfs: { diff_ids: [7] } }, /diff_ids/],
    [{ architecture: 7 }, /architecture/],
    [{ history: 'x' }, /history/],
    [{ history: [{ created_by: 7 }] }, /history/],
    [{ config: 'x' }, /config/],
    [{ config: { Env: 'x' } }, /here: config: Env/],
    [{ config: { User: 7 } }, /User/],
    [{ config: { OnBuild: { a: 'b' } } }, /OnBuild/],
    [{ config: { Labels: { a: 7 } } }, /Labels/],
    [{ config: { Healthcheck: { Test: 'x' } } }, /Healthcheck/],
  ] as const)
    t.throws(() => parse(value), { code: 'MANIFEST_INVALID', message: field }, JSON.stringify(value));
  for (const value of [
    { config: null, history: null, created: null },
    { config: { Env: null, Cmd: null, Labels: null, Volumes: { '/v': {} }, constructor: 7, later: [7] } },
    { history: [{ empty_layer: null, other: 7 }] },
  ])
    t.notThrows(() => parse(value), JSON.stringify(value));
});

test('fields that nobody knows stay', (t) => {
  const parsed = parseManifest(encodeJson({ ...manifest, 'org.example.extra': { deep: [1] } }), 'x');
  t.deepEqual((parsed as unknown as Record<string, unknown>)['org.example.extra'], { deep: [1] });
});

test('a type is known by the shape', (t) => {
  t.is(sniffManifestType(encodeJson(manifest)), MediaType.ociManifest);
  t.is(sniffManifestType(encodeJson({ schemaVersion: 2, manifests: [] })), MediaType.ociIndex);
  t.is(sniffManifestType(encodeJson({ ...manifest, mediaType: MediaType.dockerManifest })), MediaType.dockerManifest);
  t.is(sniffManifestType(Buffer.from('<html>')), undefined);
  t.is(sniffManifestType(encodeJson({ schemaVersion: 2 })), undefined);
});

test('the compression of a layer is in its type', (t) => {
  for (const compression of ['none', 'gzip', 'zstd'] as const)
    t.is(layerCompression(layerMediaType(compression)), compression);
  t.is(layerCompression(MediaType.dockerLayerGzip), 'gzip');
  t.is(layerCompression('application/vnd.oci.image.layer.nondistributable.v1.tar+gzip'), 'gzip');
  t.is(layerCompression('application/vnd.docker.image.rootfs.foreign.diff.tar.gzip'), 'gzip');
  t.is(layerCompression(MediaType.ociConfig), undefined);
});

test('chainIDs by the letter of the specification', (t) => {
  const [a, b, c] = [digestOf('a'), digestOf('b'), digestOf('c')];
  const ab = digestOf(`${a} ${b}`);
  t.deepEqual(chainIDs([]), []);
  t.deepEqual(chainIDs([a, b, c]), [a, ab, digestOf(`${ab} ${c}`)]);
});
