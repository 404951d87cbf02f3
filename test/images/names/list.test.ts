import test from 'ava';
import { chainIDs } from '../../../src/oci/index.ts';
import { testNeeding } from '../../support/needs.ts';
import { addImage, openRoom, type Room } from '../room.ts';

const list = async (room: Room, filters: Parameters<Room['images']['listImages']>[0] = {}): Promise<string[]> =>
  (await room.images.listImages(filters)).map(({ repository, tag }) => `${repository}:${tag}`);

async function openSamples(t: Parameters<typeof openRoom>[0]): Promise<Room> {
  const room = await openRoom(t);
  await addImage(room, ['old:1'], { created: '2020-01-01T00:00:00Z', config: { Labels: { stage: 'dev', team: 'a' } } });
  await addImage(room, ['reg.example:5000/team/app:1.0', 'reg.example:5000/team/app:1.1'], {
    created: '2021-01-01T00:00:00Z',
    config: { Labels: { stage: 'prod', team: 'a' } },
  });
  await addImage(room, [], { created: '2022-01-01T00:00:00.5Z', config: { Labels: { stage: 'dev' } } });
  return room;
}

test('rows are sorted, newest image first', async (t) => {
  const room = await openSamples(t);
  t.deepEqual(await list(room), [
    '<none>:<none>',
    'reg.example:5000/team/app:1.0',
    'reg.example:5000/team/app:1.1',
    'old:1',
  ]);
  const [newest] = await room.images.listImages();
  t.is(newest?.createdMs, Date.parse('2022-01-01T00:00:00.5Z'));
});

test('filters keep what they say', async (t) => {
  const room = await openSamples(t);
  const apps = ['reg.example:5000/team/app:1.0', 'reg.example:5000/team/app:1.1'];
  t.deepEqual(await list(room, { filters: { dangling: true } }), ['<none>:<none>']);
  t.deepEqual(await list(room, { filters: { dangling: false } }), [...apps, 'old:1']);
  t.deepEqual(await list(room, { filters: { label: ['stage=dev'] } }), ['<none>:<none>', 'old:1']);
  t.deepEqual(await list(room, { filters: { label: ['stage=dev', 'team'] } }), ['old:1']);
  t.deepEqual(await list(room, { filters: { before: 'reg.example:5000/team/app:1.0' } }), ['old:1']);
  t.deepEqual(await list(room, { filters: { since: 'old:1' } }), ['<none>:<none>', ...apps]);
  t.deepEqual(await list(room, { filters: { reference: ['reg.example:5000/*/app'] } }), apps);
  t.deepEqual(await list(room, { filters: { reference: ['*/*/*:1.1', 'old'] } }), [apps[1], 'old:1']);
  await t.throwsAsync(list(room, { filters: { before: 'missing' } }), { code: 'IMAGE_NOT_FOUND' });
});

test('digests have rows where asked for, or where there is no tag', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['reg.example/app:1']);
  await room.images.recordImage(parts.manifest, [`reg.example/app@${parts.manifest.digest}`]);
  const rows = async (digests: boolean) =>
    (await room.images.listImages({ digests })).map(({ tag, digest }) => [tag, digest]);
  t.deepEqual(await rows(true), [['1', parts.manifest.digest]]);
  t.deepEqual(await rows(false), [['1', parts.manifest.digest]]);
  await addImage(room, ['reg.example/app:1'], { config: { User: 'other' } });
  t.deepEqual(
    new Set((await rows(true)).map((row) => row.join(' '))),
    new Set(['1 <none>', `<none> ${parts.manifest.digest}`]),
  );
});

test('inspect has the shape of docker', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1', 'app:2'], {
    config: { Cmd: ['x'], Env: ['A=b'] },
    layers: [{ a: 'b' }],
  });
  const seen = await room.images.inspectImage('app:1');
  t.like(seen, {
    RepoTags: ['app:1', 'app:2'],
    RepoDigests: [],
    Created: '2024-01-01T00:00:00Z',
    Config: { Cmd: ['x'], Env: ['A=b'], User: '', Entrypoint: null },
    Os: 'linux',
    RootFS: { Type: 'layers', Layers: [...parts.config.rootfs.diff_ids] },
  });
  t.is(seen.Size, parts.layers[0]?.blob.length ?? -1);
});

testNeeding(
  ['root'],
  'an unpacked image has the size of its files, or of its tar where that is not known',
  async (t) => {
    const room = await openRoom(t);
    const parts = await addImage(room, ['app:1'], { layers: [{ a: 'b' }] });
    const [diffID = 'sha256:'] = parts.config.rootfs.diff_ids;
    const [chainID] = chainIDs([diffID]);
    const { name } = await (await room.snapshotter.prepare(undefined)).commit(chainID);
    const sizes = async () => [
      (await room.images.listImages())[0]?.size,
      (await room.images.inspectImage('app:1')).Size,
      (await room.images.imageHistory('app:1'))[0]?.size,
    ];
    await room.snapshotter.annotate(name, { diffID, diffSize: 2048 });
    t.deepEqual(await sizes(), [2048, 2048, 2048]);
    await room.snapshotter.annotate(name, { contentSize: 1 });
    t.deepEqual(await sizes(), [1, 1, 1]);
  },
);

test('history has a row for each entry, newest first, with the sizes of those that made a layer', async (t) => {
  const room = await openRoom(t);
  const parts = await addImage(room, ['app:1'], { layers: [{ a: 'b' }, { c: 'd'.repeat(5000) }] });
  const rows = await room.images.imageHistory('app:1');
  t.deepEqual(
    rows.map(({ createdBy, size }) => [createdBy, size]),
    [
      ['layer 1', parts.layers[1]?.blob.length],
      ['layer 0', parts.layers[0]?.blob.length],
    ],
  );
  t.is(rows[0]?.id, (await room.images.findImage('app:1'))?.imageID);
  t.deepEqual(rows[0]?.tags, ['app:1']);
  t.is(rows[1]?.id, '<missing>');
});
