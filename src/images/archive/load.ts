import type { Readable } from 'node:stream';
import { hostPlatform, isConfigType } from '../../oci/index.ts';
import type { ImageContext } from '../context.ts';
import { archiveInvalid } from '../errors.ts';
import { configPlatform, imageIDOf, localManifest, readConfig, readManifest } from '../graph.ts';
import { unpackImage } from '../layers/unpack.ts';
import { danglingName } from '../names/names.ts';
import type { ArchiveImage, LoadedImage, TaskOptions } from '../types.ts';
import type { ArchiveFiles } from './files.ts';
import { takeDockerImages } from './load-docker.ts';
import { takeLayoutImages } from './load-layout.ts';
import { readArchive } from './reader.ts';

/**
 * `docker load`: reads an archive of docker's old or new kind or an OCI layout in a tar. Every image is checked wholly, down to its
 * layers' diffIDs, before the first name is recorded: nothing of a bad archive is kept.
 */
export async function loadImages(
  context: ImageContext,
  input: Readable,
  options: TaskOptions,
): Promise<readonly LoadedImage[]> {
  const files = await readArchive(context, input, options);
  let images: readonly ArchiveImage[];
  try {
    images = await takeImages(context, files);
  } finally {
    files.dispose();
  }
  for (const { descriptor } of images) await verifyImage(context, descriptor, options);
  const loaded: LoadedImage[] = [];
  for (const { descriptor, names } of images) {
    const imageID = await imageIDOf(context.content, descriptor);
    await context.records.assign(names, descriptor, imageID);
    loaded.push({ imageID, descriptor, names });
  }
  await context.records.refresh();
  return loaded;
}

async function takeImages(context: ImageContext, files: ArchiveFiles): Promise<readonly ArchiveImage[]> {
  // Docker's new archives have both; the layout says more, since it has the manifests.
  if (files.has('index.json')) return takeLayoutImages(files);
  if (files.has('manifest.json')) return takeDockerImages(context, files);
  throw archiveInvalid('it has neither index.json nor manifest.json');
}

/** Unpacks the image of this machine's platform, or the only one: that proves every layer, and the next use is quick. */
async function verifyImage(
  context: ImageContext,
  target: ArchiveImage['descriptor'],
  options: TaskOptions,
): Promise<void> {
  const descriptor = await localManifest(context.content, target, hostPlatform());
  if (descriptor === undefined) return;
  const content = await readManifest(context.content, descriptor.digest);
  if (!isConfigType(content.config.mediaType)) return;
  const config = await readConfig(context.content, content.config.digest);
  await unpackImage(
    context,
    {
      reference: danglingName(content.config.digest),
      target,
      manifest: { descriptor, content },
      configDigest: content.config.digest,
      config,
      platform: configPlatform(config),
    },
    options,
  );
}
