import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { digestOf, hostPlatform, type Index } from '../../src/oci/index.ts';
import { exec } from '../support/exec.ts';
import { testNeeding } from '../support/needs.ts';
import { startRegistry } from '../support/registry.ts';
import { addImage, openRoom, type SampleParts } from './room.ts';

const NEEDS = ['root', 'docker-registry', 'setpriv'];
const PULLER = join(import.meta.dirname, 'puller.js');
const LAYERS = Array.from({ length: 6 }, (_, i) => ({ [`file-${i}`]: `${i}`.repeat(100_000), shared: `${i}` }));

async function publish(t: Parameters<typeof openRoom>[0]): Promise<{ name: string; parts: SampleParts }> {
  const registry = await startRegistry();
  t.teardown(() => registry.stop());
  const room = await openRoom(t);
  const name = `${registry.host}/base:1`;
  const parts = await addImage(room, [name], { layers: LAYERS });
  await room.images.pushImage(name);
  return { name, parts };
}

testNeeding(NEEDS, 'processes that pull, name, save and remove at once leave a sound store', async (t) => {
  const { name, parts } = await publish(t);
  const room = await openRoom(t);
  const { root } = room.store.paths;
  const all = await Promise.all([1, 2, 3, 4].map(() => exec(process.execPath, [PULLER, root, name, '3'])));
  for (const { stdout } of all) t.is(stdout, 'done\n');
  t.deepEqual(
    (await room.images.listImages()).map(({ repository, tag }) => `${repository}:${tag}`),
    [name],
  );
  for (const { blob } of parts.layers) t.is(room.content.stat(digestOf(blob))?.size, blob.length);
  t.is(room.snapshotter.list().length, LAYERS.length);
  const index = JSON.parse(readFileSync(join(root, 'index.json'), 'utf8')) as Index;
  t.true(index.manifests.every(({ digest }) => digest === parts.manifest.digest));
  t.deepEqual(readdirSync(room.store.paths.ingest), []);
});

testNeeding(NEEDS, 'a process killed at any moment leaves a store that the next one finishes', async (t) => {
  const { name } = await publish(t);
  const room = await openRoom(t);
  for (const delayMs of [150, 200, 250, 300, 350, 400]) {
    const child = spawn(process.execPath, [PULLER, room.store.paths.root, name, '20'], { stdio: 'ignore' });
    const ended = once(child, 'exit');
    await sleep(delayMs);
    child.kill('SIGKILL');
    await ended;
  }
  const image = await room.images.resolve(name, { platform: hostPlatform(), pull: 'missing' });
  const top = await room.images.unpack(image, {});
  t.is(readFileSync(join(room.snapshotter.view(top ?? '').lowers[0] ?? '', 'shared'), 'utf8'), '5');
  await room.content.sweep();
  await room.snapshotter.sweep();
  t.deepEqual(readdirSync(room.store.paths.ingest), []);
  await room.images.removeImage(name, { force: true });
  // Each killed process may have left a name of its own, all of them of the same image.
  const left = new Set((await room.images.listImages()).map(({ imageID }) => imageID));
  for (const imageID of left) await room.images.removeImage(imageID, { force: true });
  t.deepEqual([...room.content.list()], []);
  t.deepEqual(room.snapshotter.list(), []);
});
