import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { copyGraph, createOciLayout, createStoreTarget, isNotFound, openOciLayout } from '../../src/content/index.ts';
import { digestOf, MediaType } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { putImage } from './test-image.ts';
import { openTestStore } from './test-store.ts';

function tempDir(t: ExecutionContext): string {
  const dir = makeTempDir('layout');
  t.teardown(() => removeTree(dir));
  return dir;
}

testNeeding(['skopeo'], 'skopeo reads what is written, and what skopeo writes is read', async (t) => {
  const { content, dispose } = await openTestStore();
  t.teardown(dispose);
  const dir = tempDir(t);
  const image = await putImage(content);
  const layout = createOciLayout(join(dir, 'ours'));
  await copyGraph(createStoreTarget(content), layout, image.manifest);
  await layout.tag(image.manifest, 'v1');
  await layout.tag(image.manifest, 'v2');
  await layout.tag(image.manifest, 'v1');
  t.is(layout.readIndex().manifests.length, 2);
  await exec('skopeo', ['copy', '--insecure-policy', `oci:${dir}/ours:v1`, `oci:${dir}/theirs:other`]);

  const theirs = openOciLayout(join(dir, 'theirs'));
  const root = await theirs.resolve('other');
  t.is(root.digest, image.manifest.digest);
  t.is((await theirs.resolve('')).digest, root.digest, 'the only image needs no name');
  t.is((await theirs.resolve(root.digest)).digest, root.digest);
  const back = await openTestStore();
  t.teardown(back.dispose);
  const { copied } = await copyGraph(theirs, createStoreTarget(back.content), root);
  t.is(copied.length, 4);
});

test('a name that is not there is refused with those that are', async (t) => {
  const { content, dispose } = await openTestStore();
  t.teardown(dispose);
  const { manifest } = await putImage(content);
  const layout = createOciLayout(tempDir(t));
  await copyGraph(createStoreTarget(content), layout, manifest);
  await layout.tag(manifest, 'v1');
  await layout.tag(manifest, 'v2');
  const error = await t.throwsAsync(layout.resolve('v3'), { code: 'IMAGE_NOT_FOUND' });
  t.true(isNotFound(error));
  t.like(error, { hint: 'it has: v1, v2' });
  await t.throwsAsync(layout.resolve(''), { code: 'IMAGE_NOT_FOUND' });
  await t.throwsAsync(layout.resolve(digestOf('x')), { code: 'IMAGE_NOT_FOUND' });
});

test('a manifest that the index does not name is found by its digest', async (t) => {
  const { content, dispose } = await openTestStore();
  t.teardown(dispose);
  const { manifest } = await putImage(content);
  const layout = createOciLayout(tempDir(t));
  await copyGraph(createStoreTarget(content), layout, manifest);
  t.deepEqual(await layout.resolve(manifest.digest), {
    mediaType: MediaType.ociManifest,
    digest: manifest.digest,
    size: manifest.size,
  });
});

test('wrong bytes never get into a layout', async (t) => {
  const layout = createOciLayout(tempDir(t));
  const descriptor = { mediaType: 'x', digest: digestOf('right'), size: 5 };
  const { Readable } = await import('node:stream');
  await t.throwsAsync(layout.push(descriptor, { open: () => Readable.from([Buffer.from('wrong')]) }), {
    code: 'DIGEST_MISMATCH',
  });
  t.false(await layout.exists(descriptor));
  t.deepEqual(readdirSync(join(layout.path, 'blobs/sha256')), []);
  t.deepEqual(readdirSync(layout.path).sort(), ['blobs', 'index.json', 'oci-layout']);
});

test('what is no layout is said so', (t) => {
  const dir = tempDir(t);
  const open = (): unknown => openOciLayout(dir);
  t.throws(open, { code: 'OCI_LAYOUT_INVALID', message: /no file oci-layout/ });
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"9.0.0"}');
  t.throws(open, { code: 'OCI_LAYOUT_INVALID', message: /9\.0\.0/ });
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  t.throws(open, { code: 'OCI_LAYOUT_INVALID', message: /no file index\.json/ });
  writeFileSync(
    join(dir, 'index.json'),
    '{"schemaVersion":2,"manifests":[{"mediaType":"x","digest":"../../etc","size":1}]}',
  );
  t.throws(open, { code: 'MANIFEST_INVALID' });
});

test('making a layout keeps what is there', (t) => {
  const dir = tempDir(t);
  createOciLayout(dir);
  const index = '{"schemaVersion":2,"manifests":[],"annotations":{"kept":"yes"}}';
  writeFileSync(join(dir, 'index.json'), index);
  createOciLayout(dir);
  t.is(readFileSync(join(dir, 'index.json'), 'utf8'), index);
});

testNeeding(['mkfifo'], 'a pipe or a device instead of a file neither blocks nor is read', async (t) => {
  const layout = createOciLayout(tempDir(t));
  const descriptor = { mediaType: 'x', digest: digestOf('pipe'), size: 4 };
  const path = join(layout.path, 'blobs/sha256', descriptor.digest.slice(7));
  mkdirSync(join(layout.path, 'blobs/sha256'), { recursive: true });
  await exec('mkfifo', [path]);
  await t.throwsAsync(layout.fetch(descriptor), { code: 'CONTENT_NOT_FOUND' });
  t.false(await layout.exists(descriptor));
  const dir = tempDir(t);
  symlinkSync('/dev/zero', join(dir, 'oci-layout'));
  t.throws(() => openOciLayout(dir), { code: 'OCI_LAYOUT_INVALID', message: /not a regular file/ });
});
