import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { type Index, MediaType } from '../../../src/oci/index.ts';
import { exec } from '../../support/exec.ts';
import { testNeeding } from '../../support/needs.ts';
import { addImage, makeParts, openRoom, putParts, type Room } from '../room.ts';

const readIndex = (room: Room): Index => JSON.parse(readFileSync(join(room.store.paths.root, 'index.json'), 'utf8'));

test('an image is found by its names, its ID, the beginning of it, and its digest', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app', 'registry.example/team/app:2']);
  const imageID = (await room.images.findImage('app'))?.imageID ?? 'sha256:';
  t.is(imageID, parts.manifestBytes && JSON.parse(parts.manifestBytes.toString()).config.digest);
  const ways = ['app:latest', 'docker.io/library/app', 'registry.example/team/app:2', imageID, imageID.slice(7, 19)];
  for (const way of [...ways, imageID.slice(0, 19), parts.manifest.digest, `app@${parts.manifest.digest}`])
    t.is((await room.images.findImage(way))?.imageID, imageID, way);
  for (const other of ['app:2', 'registry.example/app:2', 'ffffffffffff', 'Not A Name'])
    t.is(await room.images.findImage(other), undefined, other);
});

test('a beginning that two IDs share is refused', async (t) => {
  const room = await openRoom(t);
  const ids = new Map<string, string>();
  // Two of seventeen share their first digit.
  for (let i = 0; i < 17; i++) {
    await addImage(room, [`app:${i}`], { layers: [], config: { User: `${i}` } });
    const id = (await room.images.findImage(`app:${i}`))?.imageID ?? '';
    const digit = id.slice(7, 8);
    if (ids.has(digit)) {
      await t.throwsAsync(room.images.findImage(digit), { code: 'IMAGE_AMBIGUOUS' });
      return;
    }
    ids.set(digit, id);
  }
  t.fail();
});

test('an image whose last name moves stays, without a name', async (t) => {
  const room = await openRoom(t);
  const first = await addImage(room, ['app:1', 'app:2'], { config: { User: 'first' } });
  await addImage(room, ['app:1'], { config: { User: 'second' } });
  t.is((await room.images.listImages()).length, 2);
  await addImage(room, ['app:2'], { config: { User: 'second' } });
  const rows = await room.images.listImages();
  t.deepEqual(rows.map(({ repository, tag }) => `${repository}:${tag}`).sort(), ['<none>:<none>', 'app:1', 'app:2']);
  const dangling = rows.find(({ repository }) => repository === '<none>');
  t.like((await room.images.inspectImage(dangling?.imageID ?? '')).Config, { ...first.config.config });
  // Named again, it is no longer among the nameless.
  await room.images.tagImage(dangling?.imageID ?? '', 'old:1');
  t.deepEqual((await room.images.listImages()).map(({ repository, tag }) => `${repository}:${tag}`).sort(), [
    'app:1',
    'app:2',
    'old:1',
  ]);
});

test('index.json lists the whole images, and only those', async (t) => {
  const room = await openRoom(t);
  const whole = await addImage(room, ['whole:1']);
  const torn = makeParts({ layers: [{ a: 'never downloaded' }] });
  await room.content.put(MediaType.ociConfig, torn.configBytes);
  const manifest = await room.content.put(MediaType.ociManifest, torn.manifestBytes);
  await room.images.recordImage(manifest, ['torn:1']);
  const bare = await room.content.put(MediaType.ociConfig, makeParts({ config: { User: 'bare' } }).configBytes);
  await room.images.recordImage(bare, ['bare:1']);
  t.deepEqual(
    readIndex(room).manifests.map(({ digest, annotations }) => [
      digest,
      annotations?.['org.opencontainers.image.ref.name'],
    ]),
    [[whole.manifest.digest, 'docker.io/library/whole:1']],
  );
  await room.images.removeImage('whole:1');
  t.deepEqual(readIndex(room).manifests, []);
});

test('of an index only the platforms that are there are listed', async (t) => {
  const room = await openRoom(t);
  const [amd64, arm64] = ['amd64', 'arm64'].map((architecture) =>
    makeParts({ platform: { os: 'linux', architecture }, layers: [{ arch: architecture }] }),
  );
  if (amd64 === undefined || arm64 === undefined) return t.fail();
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [amd64.manifest, arm64.manifest] }));
  await putParts(room.content, amd64);
  const target = await room.content.put(MediaType.ociIndex, index);
  await room.images.recordImage(target, ['multi:1']);
  t.deepEqual(
    readIndex(room).manifests.map(({ digest }) => digest),
    [amd64.manifest.digest],
  );
  await putParts(room.content, arm64);
  await room.images.tagImage('multi:1', 'multi:2');
  t.deepEqual(
    readIndex(room).manifests.map(({ digest }) => digest),
    [target.digest, target.digest],
  );
});

test('a config does not replace the manifest that its image has', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1']);
  const config = await room.content.put(MediaType.ociConfig, parts.configBytes);
  const [record] = await room.images.recordImage(config, ['app:1', 'app:2']);
  t.is(record?.target.digest, parts.manifest.digest);
});

testNeeding(['skopeo'], 'skopeo reads the store as an OCI layout', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1'], { config: { Labels: { of: 'this image' } } });
  await addImage(room, ['other:1'], { config: { Labels: { of: 'another' } } });
  const { root } = room.store.paths;
  const { stdout } = await exec('skopeo', ['inspect', `oci:${root}:docker.io/library/app:1`]);
  const seen = JSON.parse(stdout) as { Digest: string; Labels: object };
  t.is(seen.Digest, parts.manifest.digest);
  t.deepEqual(seen.Labels, { of: 'this image' });
});
