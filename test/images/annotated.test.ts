// Names of one image, some of which say more than others.
import test from 'ava';
import { type Descriptor, encodeJson, MediaType } from '../../src/oci/index.ts';
import { addImage, openRoom, type Room } from './room.ts';

interface Images {
  readonly config: Descriptor;
  readonly plain: Descriptor;
  /** An annotated manifest, an annotated index around the plain one, an index whose descriptor is annotated. */
  readonly annotated: readonly Descriptor[];
}

async function makeImages(room: Room): Promise<Images> {
  const parts = await addImage(room, ['base:1'], { layers: [] });
  await room.images.removeImage('base:1');
  const config = await room.content.put(MediaType.ociConfig, parts.configBytes);
  const plain = await room.content.put(MediaType.ociManifest, parts.manifestBytes);
  const manifest = JSON.parse(parts.manifestBytes.toString()) as object;
  const annotations = { said: 'something' };
  const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [parts.manifest] };
  return {
    config,
    plain,
    annotated: [
      await room.content.put(MediaType.ociManifest, encodeJson({ ...manifest, annotations })),
      await room.content.put(MediaType.ociIndex, encodeJson({ ...index, annotations })),
      { ...(await room.content.put(MediaType.ociIndex, encodeJson(index))), annotations },
      { ...plain, annotations },
    ],
  };
}

test('a name gets no annotations of another name, wherever that has its own from', async (t) => {
  for (const i of [0, 1, 2, 3]) {
    const room = await openRoom(t);
    const { config, annotated } = await makeImages(room);
    const target = annotated[i] ?? config;
    // Built, pulled or loaded: a record does not tell them apart.
    await room.images.recordImage(target, ['annotated:1']);
    const [built] = await room.images.recordImage(config, ['plain:1']);
    t.deepEqual(built?.target, config);
    t.deepEqual((await room.images.tagImage('plain:1', 'other:1')).target, config);
    t.deepEqual((await room.images.tagImage('annotated:1', 'another:1')).target, target);
  }
});

test('200 rounds of naming at the same time mix no names up', async (t) => {
  const room = await openRoom(t);
  const { config, plain, annotated } = await makeImages(room);
  const isPlain = (target: Descriptor | undefined): boolean =>
    target?.annotations === undefined && (target?.digest === config.digest || target?.digest === plain.digest);
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31;
    return Math.floor(seed / 65536) % below;
  };
  await room.images.recordImage(config, ['plain:0']);
  await room.images.recordImage(annotated[0] ?? plain, ['annotated:0']);
  const steps = [
    () => room.images.recordImage(config, [`plain:${random(3)}`]),
    () => room.images.recordImage(annotated[random(4)] ?? plain, [`annotated:${random(3)}`]),
    () => room.images.tagImage('plain:0', `plain:${random(6)}`),
    () => room.images.tagImage('annotated:0', `annotated:${random(6)}`),
    async () => {
      const record = await room.images.findImage('plain:0');
      if (record !== undefined) await room.images.materialize(record);
    },
    () => room.images.removeImage(`plain:${3 + random(3)}`).catch(() => {}),
  ];
  for (let round = 0; round < 200; round++) {
    await Promise.all(Array.from({ length: 4 }, async () => steps[random(steps.length)]?.()));
    for (const name of Array.from({ length: 6 }, (_, i) => i)) {
      const [one, other] = [
        await room.images.findImage(`plain:${name}`),
        await room.images.findImage(`annotated:${name}`),
      ];
      if (one !== undefined) t.true(isPlain(one.target), `round ${round}: ${one.name} ${one.target.digest}`);
      if (other !== undefined) t.false(isPlain(other.target), `round ${round}: ${other.name} ${other.target.digest}`);
    }
  }
});
