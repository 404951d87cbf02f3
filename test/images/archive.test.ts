import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import { digestOf, type Index, MediaType } from '../../src/oci/index.ts';
import { DOCKERD_NEEDS, startDockerd } from '../support/dockerd.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { readTar } from '../support/tar-reader.ts';
import { writeTar } from '../support/tar-writer.ts';
import { addImage, collect, makeParts, openRoom, putParts, type Room } from './room.ts';

const LAYERS: readonly Readonly<Record<string, string>>[] = [{ 'etc/one': 'lower\n' }, { 'etc/two': 'upper\n' }];
const save = (room: Room, names: readonly string[], format: 'docker' | 'oci' = 'docker'): Promise<Buffer> =>
  collect((output) => room.images.saveImages(names, output, { format }));
const load = (room: Room, archive: Buffer) => room.images.loadImages(Readable.from([archive]));
const names = async (room: Room): Promise<string[]> =>
  (await room.images.listImages()).map(({ repository, tag }) => `${repository}:${tag}`).sort();

/** What a stranger must find after a save and a load. */
async function checkLoaded(t: Parameters<typeof openRoom>[0], archive: Buffer, from: Room): Promise<void> {
  const room = await openRoom(t);
  const loaded = await load(room, archive);
  t.deepEqual(loaded.flatMap(({ names }) => names).sort(), ['docker.io/library/app:1', 'reg.example/app:2']);
  const [before, after] = [await from.images.inspectImage('app:1'), await room.images.inspectImage('app:1')];
  t.is(after.Id, before.Id);
  t.deepEqual(after.RootFS, before.RootFS);
  t.deepEqual(after.RepoTags, before.RepoTags);
  // Loading unpacks: the layers are proved, and the sizes known.
  t.is(after.Size, 'lower\n'.length + 'upper\n'.length);
}

for (const format of ['docker', 'oci'] as const) {
  test(`an image saved as ${format} is the same after it is loaded, compressed or not`, async (t) => {
    const room = await openRoom(t);
    await addImage(room, ['app:1', 'reg.example/app:2'], { layers: LAYERS });
    const archive = await save(room, ['app:1', 'reg.example/app:2'], format);
    await checkLoaded(t, archive, room);
    await checkLoaded(t, gzipSync(archive), room);
  });

  testNeeding(['zstd'], `an archive of format ${format} that zstd packed is loaded`, async (t) => {
    const room = await openRoom(t);
    await addImage(room, ['app:1', 'reg.example/app:2'], { layers: LAYERS });
    const plain = join(room.work, 'archive.tar');
    writeFileSync(plain, await save(room, ['app:1', 'reg.example/app:2'], format));
    await exec('zstd', ['-q', plain]);
    await checkLoaded(t, readFileSync(`${plain}.zst`), room);
  });

  test(`saving as ${format} twice gives the same bytes`, async (t) => {
    const room = await openRoom(t);
    await addImage(room, ['app:1'], { layers: LAYERS });
    t.is(digestOf(await save(room, ['app:1'], format)), digestOf(await save(room, ['app:1'], format)));
  });
}

test('an archive is an OCI layout, and docker’s own with it', async (t) => {
  const room = await openRoom(t);
  const first = await addImage(room, ['app:1', 'other:1'], { layers: LAYERS });
  const second = await addImage(room, ['second:2'], { layers: [{ a: 'b' }], config: {} });
  const files = new Map(
    [...readTar(await save(room, ['app:1', 'other:1', 'second:2']))].map(({ name, content }) => [name, content]),
  );
  for (const { blob } of [...first.layers, ...second.layers])
    t.deepEqual(files.get(`blobs/${digestOf(blob).replace(':', '/')}`), blob);
  const read = <T>(name: string): T => JSON.parse(files.get(name)?.toString() ?? '') as T;
  t.deepEqual(read('oci-layout'), { imageLayoutVersion: '1.0.0' });
  t.deepEqual(
    read<Index>('index.json').manifests.map(({ digest, annotations }) => [digest, annotations]),
    [
      // Two images have the tag 1: it names neither.
      [first.manifest.digest, 'docker.io/library/app:1', 'app:1'],
      [first.manifest.digest, 'docker.io/library/other:1', 'other:1'],
      [second.manifest.digest, 'docker.io/library/second:2', '2'],
    ].map(([digest, name, ref]) => [
      digest,
      { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': ref },
    ]),
  );
  const rows = read<{ RepoTags: string[]; Layers: string[]; Config: string }[]>('manifest.json');
  t.deepEqual(
    rows.map(({ RepoTags, Layers }) => [RepoTags, Layers.length]),
    [
      [['app:1', 'other:1'], 2],
      [['second:2'], 1],
    ],
  );
  t.is(digestOf(files.get(rows[0]?.Config ?? '') ?? ''), digestOf(first.configBytes));
  const repositories = read<Record<string, Record<string, string>>>('repositories');
  t.is(repositories.second?.['2'], digestOf(second.layers[0]?.blob ?? '').slice('sha256:'.length));
});

test('an archive of docker before 25 is loaded: layers by path, links, several images', async (t) => {
  const room = await openRoom(t);
  const [one, two] = [makeParts({ layers: LAYERS }), makeParts({ layers: LAYERS.slice(0, 1), config: { User: 'x' } })];
  const layer = (i: number): Buffer => one.layers[i]?.tar ?? Buffer.alloc(0);
  const archive = writeTar([
    { name: 'aaa/', type: '5' },
    { name: 'aaa/layer.tar', type: '0', content: layer(0) },
    { name: 'aaa/VERSION', type: '0', content: '1.0' },
    { name: 'bbb/layer.tar', type: '0', content: layer(1) },
    { name: 'ccc/layer.tar', type: '2', linkname: '../aaa/layer.tar' },
    { name: '1.json', type: '0', content: one.configBytes },
    { name: '2.json', type: '0', content: two.configBytes },
    {
      name: 'manifest.json',
      type: '0',
      content: JSON.stringify([
        { Config: '1.json', RepoTags: ['one:1', 'one:latest'], Layers: ['aaa/layer.tar', 'bbb/layer.tar'] },
        { Config: '2.json', RepoTags: null, Layers: ['ccc/layer.tar'] },
      ]),
    },
  ]);
  const loaded = await load(room, archive);
  t.deepEqual(
    loaded.map(({ imageID }) => imageID),
    [digestOf(one.configBytes), digestOf(two.configBytes)],
  );
  t.deepEqual(await names(room), ['<none>:<none>', 'one:1', 'one:latest']);
});

test('an image saved by its ID has no names', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1']);
  const id = (await room.images.findImage('app:1'))?.imageID ?? '';
  const other = await openRoom(t);
  const [loaded] = await load(other, await save(room, [id]));
  t.deepEqual(loaded?.names, []);
  t.deepEqual(await names(other), ['<none>:<none>']);
});

test('a loaded name takes over, and what had it stays nameless', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1']);
  const archive = await save(room, ['app:1']);
  await addImage(room, ['app:1'], { config: { User: 'newer' } });
  await room.images.removeImage((await room.images.listImages({ filters: { dangling: true } }))[0]?.imageID ?? '');
  await load(room, archive);
  t.like((await room.images.inspectImage('app:1')).Config, { Cmd: ['/file'], User: '' });
  t.deepEqual(await names(room), ['<none>:<none>', 'app:1']);
});

test('several platforms are saved and loaded as the index that they are', async (t) => {
  const room = await openRoom(t);
  const parts = ['amd64', 'arm64'].map((architecture) =>
    makeParts({ platform: { os: 'linux', architecture }, layers: [{ arch: architecture }] }),
  );
  for (const each of parts) await putParts(room.content, each);
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: parts.map(({ manifest }) => manifest) };
  const target = await room.content.put(MediaType.ociIndex, Buffer.from(JSON.stringify(index)));
  await room.images.recordImage(target, ['multi:1']);
  const other = await openRoom(t);
  const [loaded] = await load(other, await save(room, ['multi:1'], 'oci'));
  t.is(loaded?.descriptor.digest, target.digest);
  const arm = await other.images.resolve('multi:1', {
    platform: { os: 'linux', architecture: 'arm64' },
    pull: 'never',
  });
  t.is(arm.manifest?.descriptor.digest, parts[1]?.manifest.digest);
  await t.throwsAsync(
    other.images.resolve('multi:1', { platform: { os: 'linux', architecture: 's390x' }, pull: 'missing' }),
    { code: 'PLATFORM_NOT_FOUND', message: /linux\/s390x; it has linux\/amd64, linux\/arm64/ },
  );
});

testNeeding(['skopeo', 'umoci', 'root'], 'skopeo and umoci read what is saved', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1'], { layers: LAYERS });
  for (const format of ['docker', 'oci'] as const) {
    const path = join(room.work, `${format}.tar`);
    writeFileSync(path, await save(room, ['app:1'], format));
    const layout = join(room.work, `${format}-layout`);
    const from = format === 'docker' ? `docker-archive:${path}:app:1` : `oci-archive:${path}:1`;
    await exec('skopeo', ['copy', '--insecure-policy', from, `oci:${layout}:1`]);
    const bundle = join(room.work, `${format}-bundle`);
    await exec('umoci', ['unpack', '--image', `${layout}:1`, bundle]);
    t.is(readFileSync(join(bundle, 'rootfs/etc/one'), 'utf8'), 'lower\n');
    t.is(readFileSync(join(bundle, 'rootfs/etc/two'), 'utf8'), 'upper\n');
    const { stdout } = await exec('skopeo', ['inspect', '--config', '--raw', from]);
    t.is(digestOf(stdout), digestOf(parts.configBytes));
  }
});

testNeeding(['skopeo'], 'what skopeo writes is loaded', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1'], { layers: LAYERS });
  const path = join(room.work, 'saved.tar');
  writeFileSync(path, await save(room, ['app:1']));
  const targets = { 'docker-archive': 'app:7', 'oci-archive': 'app:7' };
  for (const [transport, name] of Object.entries(targets)) {
    const copy = join(room.work, `${transport}.tar`);
    await exec('skopeo', ['copy', '--insecure-policy', `docker-archive:${path}`, `${transport}:${copy}:${name}`]);
    const other = await openRoom(t);
    await load(other, readFileSync(copy));
    t.deepEqual(await names(other), ['app:7'], transport);
  }
});

testNeeding(DOCKERD_NEEDS, 'docker loads what is saved, and what docker saves is loaded', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1', 'reg.example/app:2'], { layers: LAYERS });
  const path = join(room.work, 'ours.tar');
  writeFileSync(path, await save(room, ['app:1', 'reg.example/app:2']));
  const docker = await startDockerd({ storageDriver: 'vfs' });
  t.teardown(() => docker.stop());
  const loaded = await docker.run(['load', '-i', path]);
  t.is(loaded.code, 0, loaded.stderr);
  const { Id } = await room.images.inspectImage('app:1');
  t.is((await docker.run(['image', 'inspect', '-f', '{{.Id}}', 'app:1'])).stdout.trim(), Id);
  const theirs = join(room.work, 'theirs.tar');
  t.is((await docker.run(['save', '-o', theirs, 'app:1', 'reg.example/app:2'])).code, 0);
  await checkLoaded(t, readFileSync(theirs), room);
});
