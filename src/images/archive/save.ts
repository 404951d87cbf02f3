import type { Writable } from 'node:stream';
import { copyGraph, createOciLayout } from '../../content/index.ts';
import { type Descriptor, type Digest, hostPlatform } from '../../oci/index.ts';
import { choosePlatform } from '../choose.ts';
import type { ImageContext } from '../context.ts';
import { wholeTargets } from '../graph.ts';
import { takeImage } from '../hold.ts';
import { openBlob } from '../layers/fetch.ts';
import { materializeRecord } from '../layers/pack.ts';
import { isDangling, isDigestName } from '../names/names.ts';
import { reportCopy } from '../report.ts';
import type { ArchiveImage, SaveOptions, TaskOptions } from '../types.ts';
import { nameForLayout } from './layout-names.ts';
import { writeArchive } from './writer.ts';

/** `docker save`. An image that is given by its ID is saved without its names, as docker does. */
export async function saveImages(
  context: ImageContext,
  references: readonly string[],
  output: Writable,
  options: SaveOptions,
): Promise<void> {
  const format = options.format ?? 'docker';
  const images = new Map<Digest, { descriptor: Descriptor; names: Set<string> }>();
  for (const text of references) {
    const { record, by } = await takeImage(context, text);
    const { target, name } = await materializeRecord(context, record, options);
    for (const descriptor of await chooseTargets(context, name, target, { ...options, format })) {
      const image = images.get(descriptor.digest) ?? { descriptor, names: new Set<string>() };
      if (by === 'name' && !isDigestName(name) && !isDangling(name)) image.names.add(name);
      images.set(descriptor.digest, image);
    }
  }
  const list = [...images.values()].map(({ descriptor, names }): ArchiveImage => ({ descriptor, names: [...names] }));
  await writeArchive(context, list, output, { ...options, format });
}

/** What of an index goes into an archive: what the store has of it, or else the image of this machine's platform. */
async function chooseTargets(
  context: ImageContext,
  text: string,
  target: Descriptor,
  options: SaveOptions,
): Promise<readonly Descriptor[]> {
  if (options.platform === undefined && options.format === 'oci') {
    const whole = await wholeTargets(context.content, target);
    if (whole.length > 0) return whole;
  }
  return [await choosePlatform(context, text, target, options.platform ?? hostPlatform())];
}

/** `ImageStore.writeLayout`. */
export async function writeLayout(
  context: ImageContext,
  images: readonly ArchiveImage[],
  directory: string,
  options: TaskOptions,
): Promise<void> {
  const layout = createOciLayout(directory);
  const source = { fetch: (blob: Descriptor, range = {}) => openBlob(context, blob, range) };
  for (const { descriptor, names } of images) {
    await copyGraph(source, layout, descriptor, { signal: options.signal, onProgress: reportCopy(options.onTask) });
    for (const name of names) {
      const { annotations, ref } = nameForLayout(name, images);
      await layout.tag({ ...descriptor, annotations: { ...descriptor.annotations, ...annotations } }, ref);
    }
    if (names.length === 0) await layout.list(descriptor);
  }
}
