import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import test from 'ava';
import { digestOf, hostPlatform, type Index, MediaType } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { startFakeRegistry } from '../support/fake-registry.ts';
import { testNeeding } from '../support/needs.ts';
import { type Registry, startRegistry } from '../support/registry.ts';
import { addImage, makeParts, openRoom, putParts, type Room, type SampleParts } from './room.ts';

const NEEDS = ['docker-registry', 'setpriv'];
const LAYERS: readonly Readonly<Record<string, string>>[] = [{ 'etc/one': 'lower\n' }, { 'etc/two': 'upper\n' }];

async function openWithRegistry(t: Parameters<typeof openRoom>[0]): Promise<{ room: Room; registry: Registry }> {
  const registry = await startRegistry();
  t.teardown(() => registry.stop());
  return { room: await openRoom(t), registry };
}

const hasBlobs = (room: Room, parts: SampleParts): boolean[] =>
  parts.layers.map(({ blob }) => room.content.stat(digestOf(blob)) !== undefined);

testNeeding(NEEDS, 'what is pushed is pulled byte for byte', async (t) => {
  const { room, registry } = await openWithRegistry(t);
  const name = `${registry.host}/team/app:1`;
  const parts = await addImage(room, [name], { layers: LAYERS });
  const pushed = await room.images.pushImage(name);
  t.is(pushed.descriptor.digest, parts.manifest.digest);
  t.deepEqual((await room.images.inspectImage(name)).RepoDigests, [
    `${registry.host}/team/app@${parts.manifest.digest}`,
  ]);

  const other = await openRoom(t);
  const tasks = new Map<string, boolean>();
  const pulled = await other.images.pullImage(name, {
    onTask: (id, current, total, completed = false) => tasks.set(id, completed && current === total),
  });
  t.like(pulled, { name, upToDate: false, imageID: digestOf(parts.configBytes) });
  for (const { blob } of parts.layers) t.true(tasks.get(digestOf(blob)), 'each layer reports its end');
  t.deepEqual(hasBlobs(other, parts), [true, true]);
  t.true((await other.images.pullImage(name, {})).upToDate);
  const inspected = await other.images.inspectImage(name);
  t.deepEqual(inspected.RepoTags, [name]);
  t.deepEqual(inspected.RepoDigests, [`${registry.host}/team/app@${parts.manifest.digest}`]);
});

testNeeding(NEEDS, 'a base is resolved without its layers, and unpacked into snapshots', async (t) => {
  const { room, registry } = await openWithRegistry(t);
  const name = `${registry.host}/base:1`;
  const parts = await addImage(room, [name], { layers: LAYERS });
  await room.images.pushImage(name);

  const other = await openRoom(t);
  const image = await other.images.resolve(name, { platform: hostPlatform(), pull: 'missing' });
  t.is(image.reference, `${name}@${parts.manifest.digest}`);
  t.deepEqual(image.config, JSON.parse(parts.configBytes.toString()));
  t.deepEqual(hasBlobs(other, parts), [false, false]);
  const top = await other.images.unpack(image, {});
  const [upper, lower] = other.snapshotter.view(top ?? '').lowers;
  t.is(readFileSync(join(upper ?? '', 'etc/two'), 'utf8'), 'upper\n');
  t.is(readFileSync(join(lower ?? '', 'etc/one'), 'utf8'), 'lower\n');

  // With all its layers there, other tools may see it.
  const index = JSON.parse(readFileSync(join(other.store.paths.root, 'index.json'), 'utf8')) as Index;
  t.deepEqual([...new Set(index.manifests.map(({ digest }) => digest))], [parts.manifest.digest]);

  // Known by now: nobody is asked, and nothing is unpacked again.
  await registry.stop();
  const again = await other.images.resolve(image.reference, { platform: hostPlatform(), pull: 'missing' });
  t.is(await other.images.unpack(again, { onTask: (id) => t.fail(id) }), top);
  await t.throwsAsync(other.images.resolve(name, { platform: hostPlatform(), pull: 'always' }));
});

testNeeding(NEEDS, 'pull always sees that a tag has moved; the old image stays under its digest', async (t) => {
  const { room, registry } = await openWithRegistry(t);
  const name = `${registry.host}/base:1`;
  const old = await addImage(room, [name], { config: { User: 'old' } });
  await room.images.pushImage(name);
  const other = await openRoom(t);
  const resolve = async (pull: 'missing' | 'always') =>
    (await other.images.resolve(name, { platform: hostPlatform(), pull })).config.config?.User;
  t.is(await resolve('missing'), 'old');
  await addImage(room, [name], { config: { User: 'new' } });
  await room.images.pushImage(name);
  t.is(await resolve('missing'), 'old');
  t.is(await resolve('always'), 'new');
  t.is(await resolve('missing'), 'new');
  t.is((await other.images.inspectImage(`${registry.host}/base@${old.manifest.digest}`)).Config.User, 'old');
});

testNeeding(NEEDS, 'of an index the wanted platform is pulled, or all of them', async (t) => {
  const { room, registry } = await openWithRegistry(t);
  const name = `${registry.host}/multi:1`;
  const parts = ['amd64', 'arm64'].map((architecture) =>
    makeParts({ platform: { os: 'linux', architecture }, layers: [{ arch: architecture }] }),
  );
  for (const each of parts) await putParts(room.content, each);
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: parts.map(({ manifest }) => manifest) };
  const target = await room.content.put(MediaType.ociIndex, Buffer.from(JSON.stringify(index)));
  await room.images.recordImage(target, [name]);
  await room.images.pushImage(name);

  const one = await openRoom(t);
  await one.images.pullImage(name, { platform: { os: 'linux', architecture: 'arm64' } });
  t.deepEqual(
    parts.map((each) => hasBlobs(one, each)),
    [[false], [true]],
  );
  t.is((await one.images.inspectImage(name)).Architecture, 'arm64');
  await t.throwsAsync(one.images.pullImage(name, { platform: { os: 'linux', architecture: 'riscv64' } }), {
    code: 'PLATFORM_NOT_FOUND',
    message: /linux\/riscv64; it has linux\/amd64, linux\/arm64/,
  });
  // What one store lacks of the index comes from where the index came from.
  await one.images.tagImage(name, `${registry.host}/copy:1`);
  t.is((await one.images.pushImage(`${registry.host}/copy:1`)).descriptor.digest, target.digest);

  const all = await openRoom(t);
  const pulled = await all.images.pullImage(`${registry.host}/copy:1`, { allPlatforms: true });
  t.is(pulled.imageID, undefined);
  t.deepEqual(
    parts.map((each) => hasBlobs(all, each)),
    [[true], [true]],
  );
});

testNeeding(NEEDS, 'another platform of an index is no other image', async (t) => {
  const { room, registry } = await openWithRegistry(t);
  const name = `${registry.host}/multi:1`;
  const parts = ['arm64', hostPlatform().architecture].map((architecture) =>
    makeParts({ platform: { os: 'linux', architecture }, layers: [{ arch: architecture }] }),
  );
  for (const each of parts) await putParts(room.content, each);
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: parts.map(({ manifest }) => manifest) };
  const target = await room.content.put(MediaType.ociIndex, Buffer.from(JSON.stringify(index)));
  await room.images.recordImage(target, [name]);
  await room.images.pushImage(name);
  const other = await openRoom(t);
  for (const { manifest } of parts) {
    const platform = manifest.platform ?? hostPlatform();
    const image = await other.images.resolve(name, { platform, pull: 'missing' });
    t.is(image.manifest?.descriptor.digest, manifest.digest);
    await other.images.pullImage(name, { platform });
  }
  const rows = await other.images.listImages();
  t.deepEqual(
    rows.map(({ repository, platform }) => [repository, platform.architecture]),
    [[`${registry.host}/multi`, hostPlatform().architecture]],
  );
});

testNeeding(NEEDS, 'a layer that another repository of the registry has is mounted, not sent', async (t) => {
  const { room, registry } = await openWithRegistry(t);
  const base = `${registry.host}/base:1`;
  const derived = `${registry.host}/derived:1`;
  const parts = await addImage(room, [base], { layers: LAYERS });
  await room.images.pushImage(base);
  await addImage(room, [derived], { layers: [...LAYERS, { own: 'layer' }] });
  const sent: string[] = [];
  await room.images.pushImage(derived, {
    // Only what is copied reports bytes before its end.
    onTask: (id, _current, _total, completed) => completed || sent.push(id),
  });
  for (const { blob } of parts.layers) t.false(sent.includes(digestOf(blob)));
  t.is(new Set(sent).size, 2);
});

testNeeding([...NEEDS, 'skopeo'], 'skopeo sees what was pushed', async (t) => {
  const { room, registry } = await openWithRegistry(t);
  const parts = await addImage(room, ['app:1'], { layers: LAYERS });
  await room.images.pushImage('app:1', { as: `${registry.host}/renamed/app:7` });
  const { stdout } = await exec('skopeo', ['inspect', '--tls-verify=false', `docker://${registry.host}/renamed/app:7`]);
  t.is((JSON.parse(stdout) as { Digest: string }).Digest, parts.manifest.digest);
});

test('a layer that is not what its image says is refused, and nothing else changes', async (t) => {
  const room = await openRoom(t);
  const parts = makeParts({ layers: LAYERS });
  const wrong = makeParts({ layers: [{ 'etc/one': 'other\n' }, LAYERS[1] ?? {}] });
  const config = { ...parts.config, rootfs: wrong.config.rootfs };
  const configBytes = Buffer.from(JSON.stringify(config));
  const manifest = JSON.parse(parts.manifestBytes.toString());
  const manifestBytes = Buffer.from(
    JSON.stringify({
      ...manifest,
      config: { ...manifest.config, digest: digestOf(configBytes), size: configBytes.length },
    }),
  );
  const served = { mediaType: MediaType.ociManifest, body: manifestBytes };
  const registry = await startFakeRegistry(
    new Map([
      ['1', served],
      [digestOf(manifestBytes), served],
    ]),
    new Map([configBytes, ...parts.layers.map(({ blob }) => blob)].map((blob) => [digestOf(blob), blob])),
  );
  t.teardown(() => registry.stop());
  const image = await room.images.resolve(`${registry.host}/bad:1`, { platform: hostPlatform(), pull: 'missing' });
  await t.throwsAsync(room.images.unpack(image, {}));
  t.deepEqual(room.snapshotter.list(), []);
});

test('a push needs an image, and a name', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['app:1']);
  await t.throwsAsync(room.images.pushImage('missing:1'), { code: 'IMAGE_NOT_FOUND' });
  const id = (await room.images.findImage('app:1'))?.imageID ?? '';
  await t.throwsAsync(room.images.pushImage(id), { code: 'REFERENCE_INVALID', message: /needs a name/ });
});

test('a blob that the store lost and nobody else has is named', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['127.0.0.1:9/app:1'], { layers: LAYERS });
  const digest = digestOf(parts.layers[0]?.blob ?? '');
  await (await room.content.retire([digest]))();
  await t.throwsAsync(room.images.saveImages(['127.0.0.1:9/app:1'], new PassThrough().resume()), {
    code: 'CONTENT_NOT_FOUND',
    message: new RegExp(`${digest} is not in the store`),
  });
});
