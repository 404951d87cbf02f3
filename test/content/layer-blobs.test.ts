import test from 'ava';
import { createBlobSources, createLayerBlobs } from '../../src/content/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { openTestStore } from './test-store.ts';

test('a layer knows the blobs that are there, first recorded first', async (t) => {
  const { store, content, dispose } = await openTestStore();
  t.teardown(dispose);
  const blobs = createLayerBlobs(store, content);
  const diffID = digestOf('layer');
  const put = async (text: string, compression: 'gzip' | 'zstd') => {
    const { digest, size } = await content.put(MediaType.ociLayerGzip, Buffer.from(text));
    return { digest, size, mediaType: MediaType.ociLayerGzip, compression };
  };
  const [one, two] = [await put('one', 'gzip'), await put('two', 'zstd')];
  t.deepEqual(blobs.find(diffID), []);
  await blobs.record(diffID, one);
  await blobs.record(diffID, two);
  await blobs.record(diffID, one);
  t.deepEqual(blobs.find(diffID), [one, two]);
  await (await content.retire([one.digest]))();
  t.deepEqual(blobs.find(diffID), [two]);
  t.deepEqual(blobs.known(diffID), [one, two]);
  await blobs.prune();
  t.deepEqual(blobs.known(diffID), [two]);
  await (await content.retire([two.digest]))();
  await blobs.prune();
  t.deepEqual(blobs.known(diffID), []);
});

test('a blob remembers the repositories of each host, the latest first', async (t) => {
  const { store, dispose } = await openTestStore();
  t.teardown(dispose);
  const sources = createBlobSources(store);
  const digest = digestOf('blob');
  await sources.record(digest, 'docker.io', 'library/debian');
  await sources.record(digest, 'docker.io', 'library/gcc');
  await sources.record(digest, 'ghcr.io', 'me/app');
  await sources.record(digest, 'docker.io', 'library/debian');
  t.deepEqual(sources.find(digest, 'docker.io'), ['library/debian', 'library/gcc']);
  t.deepEqual(sources.find(digest, 'ghcr.io'), ['me/app']);
  t.deepEqual(sources.find(digest, 'quay.io'), []);
  t.deepEqual(sources.repositories(digest), [
    { domain: 'docker.io', path: 'library/debian' },
    { domain: 'ghcr.io', path: 'me/app' },
    { domain: 'docker.io', path: 'library/gcc' },
  ]);
  for (let i = 0; i < 20; i++) await sources.record(digest, 'docker.io', `many/${i}`);
  t.true(sources.find(digest, 'docker.io').length <= 8);
  await sources.remove(digest);
  t.deepEqual(sources.find(digest, 'docker.io'), []);
});
