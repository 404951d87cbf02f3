import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import {
  type ContentStore,
  type CopyEvent,
  type CopyTarget,
  copyGraph,
  createStoreTarget,
  type Fetcher,
} from '../../src/content/index.ts';
import { type Descriptor, describe, digestOf, encodeJson, MediaType } from '../../src/oci/index.ts';
import { putImage, putIndex } from './test-image.ts';
import { openTestStore } from './test-store.ts';

async function openTwo(t: ExecutionContext): Promise<{ from: ContentStore; to: ContentStore }> {
  const [a, b] = [await openTestStore(), await openTestStore()];
  t.teardown(async () => {
    await a.dispose();
    await b.dispose();
  });
  return { from: a.content, to: b.content };
}

const digests = (descriptors: readonly Descriptor[]) => descriptors.map(({ digest }) => digest);

test('everything that an index points to is copied, children first, shared blobs once', async (t) => {
  const { from, to } = await openTwo(t);
  const shared = randomBytes(50_000);
  const one = await putImage(from, { layers: [shared, randomBytes(10)] });
  const two = await putImage(from, {
    layers: [shared, randomBytes(20)],
    platform: { os: 'linux', architecture: 'arm64' },
  });
  const root = await putIndex(from, [one.manifest, two.manifest]);
  const events: CopyEvent[] = [];
  const result = await copyGraph(createStoreTarget(from), createStoreTarget(to), root, {
    onProgress: (event) => events.push(event),
  });
  t.is(result.copied.length, 8);
  t.is(new Set(digests(result.copied)).size, 8);
  const order = digests(result.copied);
  for (const { manifest, config, layers } of [one, two])
    for (const child of [config, ...layers]) t.true(order.indexOf(child.digest) < order.indexOf(manifest.digest));
  t.is(order.at(-1), root.digest);
  for (const { digest } of result.copied) t.truthy(to.stat(digest));
  const ofShared = events.filter(({ descriptor }) => descriptor.digest === one.layers[0]?.digest);
  t.is(one.layers[0]?.digest, two.layers[0]?.digest);
  t.is(ofShared.at(-1)?.status, 'copied');
  t.is(ofShared.at(-1)?.current, one.layers[0]?.size);
  t.is(ofShared.filter(({ status }) => status === 'copied').length, 1);
});

test('what exists is skipped, and gaps below an existing manifest are filled', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from);
  const [source, target] = [createStoreTarget(from), createStoreTarget(to)];
  await copyGraph(source, target, image.manifest);
  const again = await copyGraph(source, target, image.manifest);
  t.deepEqual([again.copied.length, again.existing.length], [0, 4]);
  const [layer] = image.layers;
  await (await to.retire([layer?.digest ?? image.config.digest]))();
  const filled = await copyGraph(source, target, image.manifest);
  t.deepEqual(digests(filled.copied), [layer?.digest]);
});

test('a target that keeps graphs whole is not asked about the children', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from);
  const asked: string[] = [];
  const inner = createStoreTarget(to);
  const target: CopyTarget = {
    ...inner,
    keepsGraphsWhole: true,
    exists(descriptor, options) {
      asked.push(descriptor.digest);
      return inner.exists(descriptor, options);
    },
  };
  await copyGraph(createStoreTarget(from), target, image.manifest);
  asked.length = 0;
  await copyGraph(createStoreTarget(from), target, image.manifest);
  t.deepEqual(asked, [image.manifest.digest]);
});

test('of an index only the wanted platforms are copied', async (t) => {
  const { from, to } = await openTwo(t);
  const amd = await putImage(from, { platform: { os: 'linux', architecture: 'amd64' } });
  const arm = await putImage(from, { platform: { os: 'linux', architecture: 'arm', variant: 'v6' } });
  const root = await putIndex(from, [amd.manifest, arm.manifest]);
  const [source, target] = [createStoreTarget(from), createStoreTarget(to)];
  // What is older also runs.
  await copyGraph(source, target, root, { platforms: [{ os: 'linux', architecture: 'arm', variant: 'v7' }] });
  t.truthy(to.stat(arm.manifest.digest));
  t.is(to.stat(amd.manifest.digest), undefined);
  const error = await t.throwsAsync(
    copyGraph(source, target, root, { platforms: [{ os: 'linux', architecture: 's390x' }] }),
    { code: 'PLATFORM_NOT_FOUND' },
  );
  t.like(error, { hint: 'it has: linux/amd64, linux/arm/v6' });
});

test('blobs are mounted where the target can, and sent where it will not', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from);
  const [first] = image.layers;
  const target: CopyTarget = {
    ...createStoreTarget(to),
    async mount(descriptor, repository) {
      if (repository !== 'library/known' || descriptor.digest !== first?.digest) return false;
      await to.ingest(descriptor, from.open(descriptor.digest));
      return true;
    },
  };
  const { mounted, copied } = await copyGraph(createStoreTarget(from), target, image.manifest, {
    mountFrom: () => ['library/unknown', 'library/known'],
  });
  t.deepEqual(digests(mounted), [first?.digest]);
  t.is(copied.length, 3);
});

test('no more blobs are under way than allowed', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from, { layers: Array.from({ length: 12 }, () => randomBytes(1000)) });
  const inner = createStoreTarget(to);
  let running = 0;
  let most = 0;
  const target: CopyTarget = {
    ...inner,
    async push(descriptor, content, options) {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setTimeout(resolve, 5));
      await inner.push(descriptor, content, options);
      running--;
    },
  };
  await copyGraph(createStoreTarget(from), target, image.manifest, { concurrency: 3 });
  t.is(most, 3);
});

test('errors name the descriptor and the side, and keep code and cause', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from);
  const [layer] = image.layers;
  if (layer === undefined) throw new Error('an image has layers');
  const intact = createStoreTarget(from);
  const target = createStoreTarget(to);
  const breaking = (stream: () => Readable): Fetcher => ({
    fetch: async (descriptor, options) =>
      descriptor.digest === layer.digest ? stream() : intact.fetch(descriptor, options),
  });

  const wrong = breaking(() => Readable.from([Buffer.alloc(layer.size)]));
  const mismatch = await t.throwsAsync(copyGraph(wrong, target, image.manifest), { code: 'DIGEST_MISMATCH' });
  t.like(mismatch, { details: { digest: layer.digest } });
  t.true(mismatch?.message.includes(layer.digest));
  t.is(to.stat(layer.digest), undefined);
  t.is(to.stat(image.manifest.digest), undefined, 'no manifest whose parts are missing');

  const cause = new Error('cable cut');
  const cut = breaking(() => {
    const stream = new Readable({ read() {} });
    setImmediate(() => stream.destroy(cause));
    return stream;
  });
  const lost = await t.throwsAsync(copyGraph(cut, target, image.manifest));
  t.like(lost, { details: { side: 'source', digest: layer.digest }, cause });

  const full: CopyTarget = { ...target, push: () => Promise.reject(new Error('no room')) };
  t.like(await t.throwsAsync(copyGraph(intact, full, image.manifest)), { details: { side: 'target' } });
});

test('hostile manifests are refused before anything is done with them', async (t) => {
  const { from, to } = await openTwo(t);
  const copy = (root: Descriptor) => copyGraph(createStoreTarget(from), createStoreTarget(to), root);
  const notJson = await from.put(MediaType.ociManifest, Buffer.from('{'));
  await t.throwsAsync(copy(notJson), { code: 'MANIFEST_INVALID' });
  const traversal = await from.put(
    MediaType.ociManifest,
    encodeJson({
      schemaVersion: 2,
      config: { mediaType: 'x', digest: 'sha256:../../../../etc/passwd', size: 10 },
      layers: [],
    }),
  );
  await t.throwsAsync(copy(traversal), { code: 'MANIFEST_INVALID' });
  const huge = { mediaType: MediaType.ociManifest, digest: digestOf('x'), size: 1e12 };
  await t.throwsAsync(copy(huge), { code: 'CONTENT_TOO_LARGE' });
  let nested = (await putImage(from)).manifest;
  for (let depth = 0; depth < 6; depth++) nested = await putIndex(from, [nested]);
  await t.throwsAsync(copy(nested), { code: 'MANIFEST_INVALID', message: /nested/ });
  t.deepEqual([...to.list()].length, 0);
});

test('a damaged source never reaches the target', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from);
  writeFileSync(from.path(image.config.digest), Buffer.alloc(image.config.size, 'x'));
  await t.throwsAsync(copyGraph(createStoreTarget(from), createStoreTarget(to), image.manifest), {
    code: 'DIGEST_MISMATCH',
  });
  rmSync(from.path(image.config.digest));
  await t.throwsAsync(copyGraph(createStoreTarget(from), createStoreTarget(to), image.manifest), {
    code: 'CONTENT_NOT_FOUND',
  });
});

test('an abort ends every transfer with its reason', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from);
  const open: Readable[] = [];
  const controller = new AbortController();
  const stuck: Fetcher = {
    async fetch(descriptor, options) {
      if (descriptor.mediaType !== MediaType.ociLayerGzip) return createStoreTarget(from).fetch(descriptor, options);
      const stream = new Readable({ read() {} });
      if (open.push(stream) === 2) setTimeout(() => controller.abort(new Error('the user left')), 10);
      return stream;
    },
  };
  const copying = copyGraph(stuck, createStoreTarget(to), image.manifest, { signal: controller.signal });
  await t.throwsAsync(copying, { message: 'the user left' });
  t.is(open.length, 2);
  t.true(open.every((stream) => stream.destroyed));
  const aborted = AbortSignal.abort(new Error('before it began'));
  await t.throwsAsync(copyGraph(stuck, createStoreTarget(to), image.manifest, { signal: aborted }), {
    message: 'before it began',
  });
});

test('the first failure ends the other transfers', async (t) => {
  const { from, to } = await openTwo(t);
  const image = await putImage(from);
  const [first, second] = image.layers;
  let other: Readable | undefined;
  const source: Fetcher = {
    async fetch(descriptor, options) {
      if (descriptor.digest === first?.digest) return Readable.from([Buffer.alloc(first.size)]);
      if (descriptor.digest !== second?.digest) return createStoreTarget(from).fetch(descriptor, options);
      other = new Readable({ read() {} });
      return other;
    },
  };
  await t.throwsAsync(copyGraph(source, createStoreTarget(to), image.manifest), { code: 'DIGEST_MISMATCH' });
  t.true(other?.destroyed);
});

test('a descriptor of bytes in hand is what it should be', (t) => {
  t.deepEqual(describe('text/plain', Buffer.from('a')), { mediaType: 'text/plain', digest: digestOf('a'), size: 1 });
});
