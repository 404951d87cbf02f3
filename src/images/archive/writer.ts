import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';
import { writeTar } from '../../content/index.ts';
import {
  type Descriptor,
  type Digest,
  digestEncoded,
  encodeJson,
  familiarName,
  isIndexType,
  isManifestType,
  layerCompression,
  MediaType,
} from '../../oci/index.ts';
import { mapConcurrently } from '../concurrency.ts';
import type { ImageContext } from '../context.ts';
import { notAnImage } from '../errors.ts';
import { childrenInStore, readManifest } from '../graph.ts';
import { ensureBlob, MAX_PARALLEL_TRANSFERS } from '../layers/fetch.ts';
import { parseName, showName } from '../names/names.ts';
import type { ArchiveImage, TaskOptions } from '../types.ts';
import { nameForLayout } from './layout-names.ts';

/**
 * Writes images as one tar that is an OCI image layout; with format `docker` also with docker's `manifest.json` and
 * `repositories`, as docker 25 and later do, which every docker, podman and skopeo reads. Equal images give equal bytes. `output`
 * is not ended.
 */
export async function writeArchive(
  context: ImageContext,
  images: readonly ArchiveImage[],
  output: Writable,
  options: TaskOptions & { readonly format: 'docker' | 'oci' },
): Promise<void> {
  const blobs = await collectBlobs(context, images, options);
  const files = new Map<string, Buffer>();
  files.set('index.json', encodeJson(makeIndex(images)));
  if (options.format === 'docker') {
    const entries = await makeDockerEntries(context, images);
    files.set('manifest.json', encodeJson(entries.map(({ entry }) => entry)));
    files.set('repositories', encodeJson(makeRepositories(entries)));
  }
  files.set('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));

  await writeTar(output, options.signal, (pack) => fillArchive(context, pack, blobs, files));
}

/** Everything that the images reach, metadata and layers, made present in the store; by digest. */
async function collectBlobs(
  context: ImageContext,
  images: readonly ArchiveImage[],
  options: TaskOptions,
): Promise<readonly Descriptor[]> {
  const found = new Map<Digest, Descriptor>();
  const visit = async (descriptor: Descriptor): Promise<void> => {
    if (found.has(descriptor.digest)) return;
    found.set(descriptor.digest, descriptor);
    if (!isManifestType(descriptor.mediaType) && !isIndexType(descriptor.mediaType)) return;
    await ensureBlob(context, descriptor, options);
    for (const child of await childrenInStore(context.content, descriptor)) await visit(child);
  };
  for (const { descriptor } of images) await visit(descriptor);
  const blobs = [...found.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
  await mapConcurrently(blobs, MAX_PARALLEL_TRANSFERS, (blob) => ensureBlob(context, blob, options));
  return blobs;
}

async function fillArchive(
  context: ImageContext,
  pack: Pack,
  blobs: readonly Descriptor[],
  files: ReadonlyMap<string, Buffer>,
): Promise<void> {
  const mtime = new Date(0);
  const folders = new Set(blobs.map(({ digest }) => `blobs/${digest.slice(0, digest.indexOf(':'))}/`));
  for (const name of ['blobs/', ...folders]) pack.entry({ name, type: 'directory', mode: 0o755, mtime });
  for (const { digest, size } of blobs) {
    const sink = pack.entry({ name: blobPath(digest), size, mode: 0o644, mtime });
    await pipeline(context.content.open(digest), sink);
  }
  for (const [name, bytes] of files) pack.entry({ name, mode: 0o644, mtime }, bytes);
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

function makeIndex(images: readonly ArchiveImage[]): object {
  const manifests = images.flatMap(({ descriptor, names }): Descriptor[] => {
    if (names.length === 0) return [descriptor];
    return names.map((name) => ({
      ...descriptor,
      annotations: { ...descriptor.annotations, ...nameForLayout(name, images).annotations },
    }));
  });
  return { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
}

interface DockerEntry {
  readonly entry: {
    readonly Config: string;
    readonly RepoTags: readonly string[] | null;
    readonly Layers: readonly string[];
  };
  readonly names: readonly string[];
  readonly topLayer: Digest | undefined;
}

/** The rows of docker's manifest.json, one for each image. */
async function makeDockerEntries(
  context: ImageContext,
  images: readonly ArchiveImage[],
): Promise<readonly DockerEntry[]> {
  const entries = new Map<Digest, DockerEntry>();
  for (const { descriptor, names } of images) {
    if (!isManifestType(descriptor.mediaType))
      throw notAnImage(descriptor.digest, `a docker archive cannot hold ${descriptor.mediaType}`);
    const manifest = await readManifest(context.content, descriptor.digest);
    const other = manifest.layers.find((layer) => layerCompression(layer.mediaType) === undefined);
    if (other !== undefined) throw notAnImage(descriptor.digest, `it has a layer of type ${other.mediaType}`);
    const all = [...(entries.get(manifest.config.digest)?.names ?? []), ...names];
    const tags = all.filter((name) => parseName(name)?.tag !== undefined).map(showName);
    entries.set(manifest.config.digest, {
      entry: {
        Config: blobPath(manifest.config.digest),
        RepoTags: tags.length === 0 ? null : tags,
        Layers: manifest.layers.map(({ digest }) => blobPath(digest)),
      },
      names: all,
      topLayer: manifest.layers.at(-1)?.digest,
    });
  }
  return [...entries.values()];
}

/** The oldest form of names in an archive: repository -> tag -> topmost layer. */
function makeRepositories(entries: readonly DockerEntry[]): object {
  const repositories = new Map<string, Map<string, string>>();
  for (const { names, topLayer } of entries)
    for (const name of names) {
      const reference = parseName(name);
      if (reference?.tag === undefined || topLayer === undefined) continue;
      const tags = repositories.get(familiarName(reference)) ?? new Map<string, string>();
      repositories.set(familiarName(reference), tags.set(reference.tag, digestEncoded(topLayer)));
    }
  return Object.fromEntries([...repositories].map(([name, tags]) => [name, Object.fromEntries(tags)]));
}
