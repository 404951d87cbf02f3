import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createClaims } from '../../src/cache/index.ts';
import { createTrees } from '../../src/images/index.ts';
import { hostPlatform } from '../../src/oci/index.ts';
import { createImageSource, createMetaResolver } from '../../src/source/index.ts';
import { addImage, openRoom } from '../images/room.ts';

const { signal } = new AbortController();

test('a base image is looked up once a build, and shown as a step', async (t) => {
  const room = await openRoom(t);
  await addImage(room, ['one:1', 'two:2'], { config: { Cmd: ['sh'] } });
  const phases: string[] = [];
  const meta = createMetaResolver({
    layouts: new Map(),
    images: room.images,
    pull: 'never',
    runPhase(name, work) {
      phases.push(name);
      return work();
    },
  });
  const resolve = (name: string) =>
    meta.resolveImageConfig(`docker.io/library/${name}`, hostPlatform(), { logName: `load ${name}` });
  const [one, again, two] = await Promise.all([resolve('one:1'), resolve('one:1'), resolve('two:2')]);
  t.deepEqual(phases, ['load one:1', 'load two:2']);
  t.is(one, again);
  t.is(one.digest, two.digest);
  t.is(one.reference, `docker.io/library/one:1@${one.digest}`);
  t.deepEqual(one.config.config?.Cmd, ['sh']);
});

test('an image is keyed by its layers whatever it is called, and unpacked only when somebody looks into it', async (t) => {
  const room = await openRoom(t);
  const files: readonly Readonly<Record<string, string>>[] = [{ below: '1', file: 'old' }, { file: 'new' }];
  await addImage(room, ['one:1'], { layers: files, config: { Cmd: ['a'] } });
  await addImage(room, ['two:2'], { layers: files, config: { Cmd: ['b'] } });
  await addImage(room, ['three:3'], { layers: [{ other: '1' }] });
  await addImage(room, ['empty:1'], { layers: [] });

  const source = createImageSource(room.images);
  const resolve = (name: string) => {
    const identifier = `docker-image://docker.io/library/${name}`;
    return source.resolve({ type: 'source', inputs: [], identifier, platform: hostPlatform(), attrs: {} }, { signal });
  };
  const [one, two, three, empty] = await Promise.all(['one:1', 'two:2', 'three:3', 'empty:1'].map(resolve));
  t.is(one?.digest, two?.digest);
  t.is(new Set([one?.digest, three?.digest, empty?.digest]).size, 3);
  t.deepEqual(room.snapshotter.list(), []);

  const tasks = new Set<string>();
  const tree = await one?.fetch({ signal, onTask: (id) => tasks.add(id) });
  if (tree?.kind !== 'layers') return t.fail();
  t.is(tree.layers.length, 2);
  t.deepEqual(room.snapshotter.list(), []);
  const trees = createTrees(room.images, room.snapshotter, createClaims(room.store));
  const [name, same] = await Promise.all([trees.snapshotOf(tree, { signal }), trees.snapshotOf(tree, { signal })]);
  t.is(name, same);
  if (name === undefined) return t.fail();
  t.is(room.snapshotter.chain(name).length, 2);
  const [top = ''] = room.snapshotter.view(name).lowers;
  t.is(readFileSync(join(top, 'file'), 'utf8'), 'new');
  t.true(tasks.size > 0);
  t.deepEqual(await empty?.fetch({ signal, onTask: () => {} }), { kind: 'snapshot', name: undefined });
});
