import {
  chmodSync,
  chownSync,
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { OutputSpec } from '../../src/build-types.ts';
import { createClaims } from '../../src/cache/index.ts';
import { assembleImage, type BuiltTree, type ExportContext, exportResult } from '../../src/exporter/index.ts';
import { createTrees } from '../../src/images/index.ts';
import { native } from '../../src/native/index.ts';
import {
  type Descriptor,
  digestOf,
  hostPlatform,
  type ImageConfig,
  type Index,
  MediaType,
} from '../../src/oci/index.ts';
import { openRoom, type Room } from '../images/room.ts';
import { exec } from '../support/exec.ts';
import { unmountBelow } from '../support/mounts.ts';
import { testNeeding } from '../support/needs.ts';
import { startRegistry } from '../support/registry.ts';
import { readTar } from '../support/tar-reader.ts';

const EMPTY_LAYER = 'sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef';

/** Builds by hand: each change is a snapshot on the one before, as a RUN would make it. */
async function buildTree(room: Room, ...changes: ((root: string) => void)[]): Promise<BuiltTree> {
  let snapshot: string | undefined;
  for (const change of changes) {
    const active = await room.snapshotter.prepare(snapshot);
    change(active.mount.upper ?? '');
    snapshot = (await active.commit()).name;
  }
  return {
    tree: { kind: 'snapshot', name: snapshot },
    config: { Cmd: ['/bin/app'], Env: ['A=b'], Labels: { z: '1', a: '2' } },
    history: changes.map((_, i) => ({ created_by: `RUN ${i}`, comment: 'buildkit.dockerfile.v0' })),
    platform: hostPlatform(),
  };
}

const addApp = (root: string): void => {
  mkdirSync(join(root, 'bin'), { mode: 0o755 });
  writeFileSync(join(root, 'bin/app'), 'app\n');
  // In this order: a change of owner takes set-uid away.
  chownSync(join(root, 'bin/app'), 1000, 50);
  chmodSync(join(root, 'bin/app'), 0o4750);
};
const addData = (root: string): void => {
  mkdirSync(join(root, 'data'), { mode: 0o700 });
  writeFileSync(join(root, 'data/file'), 'x'.repeat(100_000));
};
const addNothing = (): void => {};

const contextOf = (room: Room, more: Partial<ExportContext> = {}): ExportContext => ({
  images: room.images,
  content: room.content,
  snapshotter: room.snapshotter,
  trees: createTrees(room.images, room.snapshotter, createClaims(room.store)),
  chains: room.chains,
  native,
  names: [],
  ...more,
});

const exportTo = (room: Room, built: BuiltTree, output: OutputSpec, ...names: string[]) =>
  exportResult(built, [output], contextOf(room, { names }));

const readJson = <T>(bytes: Buffer | string): T => JSON.parse(bytes.toString()) as T;

testNeeding(['root'], 'a config names the layers by what is in them, in the order of docker', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addApp, addNothing, addData);
  const { imageID, config } = await assembleImage(built, contextOf(room));
  const text = readFileSync(room.content.path(imageID), 'utf8');
  t.is(digestOf(text), imageID);
  t.deepEqual(Object.keys(readJson(text)), ['architecture', 'config', 'created', 'history', 'os', 'rootfs']);
  t.deepEqual(Object.keys(config.config ?? {}), ['Env', 'Cmd', 'Labels']);
  t.deepEqual(Object.keys(config.config?.Labels ?? {}), ['a', 'z']);
  // BuildKit too keeps a layer for an instruction that changed nothing.
  t.is(config.rootfs.diff_ids[1], EMPTY_LAYER);
  t.is(config.history?.length, 3);
  t.is(config.history?.filter(({ empty_layer }) => empty_layer).length, 0);
  t.is(config.created, config.history?.at(-1)?.created);
});

testNeeding(['root'], 'equal builds are equal images, and SOURCE_DATE_EPOCH makes them so at any time', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addApp, addData);
  const first = await assembleImage(built, contextOf(room));
  t.is((await assembleImage(built, contextOf(room))).imageID, first.imageID);
  const manifest = await room.images.packImage(first.descriptor);
  t.is((await room.images.packImage(first.descriptor)).digest, manifest.digest);

  const epoch = 1_600_000_000;
  const dated = await assembleImage(built, contextOf(room, { sourceDateEpoch: epoch }));
  t.is(dated.config.created, '2020-09-13T12:26:40Z');
  t.true(dated.config.history?.every(({ created }) => created === '2020-09-13T12:26:40Z'));
});

testNeeding(['root'], 'type=image names a config, and layers are packed when somebody wants them', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addApp, addData);
  const result = await exportTo(room, built, { type: 'image', name: 'second:1' }, 'app');
  t.deepEqual(result.names, ['docker.io/library/app:latest', 'docker.io/library/second:1']);
  t.is(result.descriptor?.mediaType, MediaType.ociConfig);
  t.deepEqual([...room.content.list()].length, 1);

  const [app, second] = [await room.images.findImage('app'), await room.images.findImage('second:1')];
  t.is(app?.target.digest, result.imageID);
  const made = app && (await room.images.materialize(app));
  t.is(made?.target.mediaType, MediaType.ociManifest);
  t.is((await room.images.findImage('second:1'))?.target.digest, made?.target.digest);
  t.is(second?.imageID, made?.imageID);
  t.true((await room.images.inspectImage('app')).Size > 100_000);

  const image = await room.images.resolve('app', { platform: hostPlatform(), pull: 'never' });
  t.deepEqual(await room.images.treeOf(image, {}), built.tree);
  // A build pinned the image by its config before somebody gave it a manifest.
  const pinned = await room.images.resolve(`app@${result.imageID}`, { platform: hostPlatform(), pull: 'never' });
  t.deepEqual(await room.images.treeOf(pinned, {}), built.tree);
});

testNeeding(
  ['root'],
  'a rebuilt name leaves the old image nameless; an image without names is so from the start',
  async (t) => {
    const room = await openRoom(t);
    await exportTo(room, await buildTree(room, addApp), { type: 'image' }, 'app');
    await exportTo(room, await buildTree(room, addData), { type: 'image' }, 'app');
    await exportTo(room, await buildTree(room, addApp, addData), { type: 'image' });
    t.deepEqual((await room.images.listImages()).map(({ repository }) => repository).sort(), [
      '<none>',
      '<none>',
      'app',
    ]);
  },
);

for (const compression of ['none', 'gzip', 'zstd'] as const)
  testNeeding(
    ['root', 'umoci'],
    `type=oci with ${compression} layers is unpacked by others as it was built`,
    async (t) => {
      const room = await openRoom(t);
      const built = await buildTree(room, addApp, addNothing, addData);
      const layout = join(room.work, 'layout');
      const output = { type: 'oci', dest: layout, tar: false, compression } as const;
      const { descriptor, names } = await exportTo(room, built, output, 'app:7');
      t.deepEqual(names, ['docker.io/library/app:7']);
      t.deepEqual(await room.images.listImages(), []);
      const index = readJson<Index>(readFileSync(join(layout, 'index.json')));
      t.deepEqual(
        index.manifests.map(({ digest, annotations }) => [digest, annotations?.['io.containerd.image.name']]),
        [[descriptor?.digest, 'docker.io/library/app:7']],
      );
      const manifest = readJson<{ layers: Descriptor[] }>(
        readFileSync(join(layout, 'blobs', descriptor?.digest.replace(':', '/') ?? '')),
      );
      const suffix = compression === 'none' ? '' : `+${compression}`;
      t.true(manifest.layers.every(({ mediaType }) => mediaType === `application/vnd.oci.image.layer.v1.tar${suffix}`));
      if (compression === 'zstd') return;
      const bundle = join(room.work, 'bundle');
      await exec('umoci', ['unpack', '--image', `${layout}:7`, bundle]);
      const app = lstatSync(join(bundle, 'rootfs/bin/app'));
      t.deepEqual([app.mode & 0o7777, app.uid, app.gid], [0o4750, 1000, 50]);
      t.is(lstatSync(join(bundle, 'rootfs/data')).mode & 0o7777, 0o700);
      t.is(readFileSync(join(bundle, 'rootfs/data/file'), 'utf8').length, 100_000);
    },
  );

testNeeding(['root', 'skopeo'], 'an image without a name is in the layout all the same, once', async (t) => {
  const room = await openRoom(t);
  const layout = join(room.work, 'layout');
  const built = await buildTree(room, addApp);
  const { imageID } = await exportTo(room, built, { type: 'oci', dest: layout, tar: false });
  await exportTo(room, built, { type: 'oci', dest: layout, tar: false });
  const { stdout } = await exec('skopeo', ['inspect', '--config', '--raw', `oci:${layout}`]);
  t.is(digestOf(stdout), imageID ?? 'sha256:');
});

testNeeding(['root', 'skopeo'], 'archives are read by others, and written twice they are equal', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addApp, addData);
  for (const type of ['oci', 'docker'] as const) {
    const [one, two] = [join(room.work, `${type}-1.tar`), join(room.work, `${type}-2.tar`)];
    const { imageID } = await exportTo(room, built, { type, dest: one }, 'app:1');
    await exportTo(room, built, { type, dest: two }, 'app:1');
    t.is(digestOf(readFileSync(one)), digestOf(readFileSync(two)));
    const from = type === 'oci' ? `oci-archive:${one}:1` : `docker-archive:${one}:app:1`;
    const { stdout } = await exec('skopeo', ['inspect', '--config', '--raw', from]);
    t.is(digestOf(stdout), imageID ?? 'sha256:');
  }
  t.deepEqual(
    readdirSync(room.work).filter((name) => name.includes('partial')),
    [],
  );
});

testNeeding(['root'], 'dest=- is standard output', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addApp);
  const path = join(room.work, 'stdout');
  for (const output of [
    { type: 'oci', dest: '-' },
    { type: 'tar', dest: '-' },
  ] as const) {
    const stdoutFd = openSync(path, 'w');
    await exportResult(built, [output], contextOf(room, { stdoutFd }));
    closeSync(stdoutFd);
    const names = [...readTar(readFileSync(path))].map(({ name }) => name.replace(/^\.\//, ''));
    t.true(names.includes(output.type === 'oci' ? 'index.json' : 'bin/app'), names.join());
  }
});

testNeeding(['root'], 'type=local copies the merged tree to whoever runs the build', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addApp, addData);
  const dest = join(room.work, 'deep/tree');
  mkdirSync(dest, { recursive: true });
  writeFileSync(join(dest, 'mine'), 'stays');
  t.deepEqual(await exportTo(room, built, { type: 'local', dest }), { names: [], pushed: [] });
  t.deepEqual(readdirSync(dest).sort(), ['bin', 'data', 'mine']);
  const app = lstatSync(join(dest, 'bin/app'));
  t.deepEqual([app.uid, app.gid, app.mode & 0o7777], [process.getuid?.(), process.getgid?.(), 0o4750]);
  t.deepEqual([...room.content.list()], []);
});

testNeeding(['root'], 'type=tar is the merged tree with its owners', async (t) => {
  const room = await openRoom(t);
  const dest = join(room.work, 'tree.tar');
  await exportTo(room, await buildTree(room, addApp, addData), { type: 'tar', dest });
  const app = [...readTar(readFileSync(dest))].find(({ name }) => name.endsWith('bin/app'));
  t.like(app, { uid: 1000, gid: 50, mode: 0o4750 });
  t.is(app?.content.toString(), 'app\n');
});

testNeeding(['root'], 'an empty tree has outputs too', async (t) => {
  const room = await openRoom(t);
  const built: BuiltTree = {
    tree: { kind: 'snapshot', name: undefined },
    config: {},
    history: [],
    platform: hostPlatform(),
  };
  const dest = join(room.work, 'empty');
  const outputs = [
    { type: 'local', dest },
    { type: 'tar', dest: `${dest}.tar` },
    { type: 'docker', dest: `${dest}.docker` },
    { type: 'image' },
  ] as const;
  const { imageID } = await exportResult(built, outputs, contextOf(room, { names: ['empty:1'] }));
  t.deepEqual(readdirSync(dest), []);
  t.deepEqual(readJson<ImageConfig>(readFileSync(room.content.path(imageID ?? 'sha256:'))).rootfs.diff_ids, []);
});

testNeeding(['root', 'docker-registry', 'skopeo', 'setpriv'], 'a push goes to every name', async (t) => {
  const registry = await startRegistry();
  t.teardown(() => registry.stop());
  const room = await openRoom(t);
  const built = await buildTree(room, addApp, addData);
  const names = [`${registry.host}/one:1`, `${registry.host}/two:2`];
  const result = await exportTo(room, built, { type: 'image', push: true }, ...names);
  t.deepEqual(result.pushed, names);
  for (const name of names) {
    const { stdout } = await exec('skopeo', ['inspect', '--tls-verify=false', `docker://${name}`]);
    t.is(readJson<{ Digest: string }>(stdout).Digest, result.descriptor?.digest ?? '');
  }
});

testNeeding(['root'], 'what cannot be made is refused before anything is', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addApp);
  const refuse = async (outputs: readonly OutputSpec[], code: string) => {
    await t.throwsAsync(exportResult(built, outputs, contextOf(room)), { code });
    t.deepEqual([...room.content.list()], []);
  };
  await refuse([{ type: 'image' }, { type: 'oci' }], 'EXPORT_DEST_MISSING');
  await refuse([{ type: 'image' }, { type: 'local', dest: '' }], 'EXPORT_DEST_MISSING');
  await refuse([{ type: 'image', push: true }], 'EXPORT_NAME_MISSING');
  const missing = join(room.work, 'no/such/folder.tar');
  await t.throwsAsync(exportTo(room, built, { type: 'tar', dest: missing }), {
    code: 'EXPORT_FAILED',
    message: /cannot write .*folder\.tar/,
  });
});

testNeeding(['root', 'mount', 'umount'], 'a full disk leaves what was there', async (t) => {
  const room = await openRoom(t);
  const built = await buildTree(room, addData);
  const small = join(room.work, 'small');
  mkdirSync(small);
  await mountTmpfs(t, small, '64k');
  const dest = join(small, 'image.tar');
  writeFileSync(dest, 'older');
  await t.throwsAsync(exportTo(room, built, { type: 'docker', dest, compression: 'none' }), {
    code: 'EXPORT_FAILED',
    message: /ENOSPC|no space/,
  });
  t.is(readFileSync(dest, 'utf8'), 'older');
  t.deepEqual(readdirSync(small), ['image.tar']);
});

async function mountTmpfs(t: ExecutionContext, path: string, size: string): Promise<void> {
  await exec('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path]);
  t.teardown(() => unmountBelow(path));
}
