import { readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import type { CacheDestinationSpec, CacheExportOptions } from '../../build-types.ts';
import { copyGraph, createOciLayout, type Fetcher } from '../../content/index.ts';
import { errorCode } from '../../errors.ts';
import { checkLostBlob } from '../../images/layers/trees.ts';
import type { ImageStore, TaskOptions } from '../../images/types.ts';
import type { LayerPlace, TreeResult } from '../../llb/results.ts';
import {
  type Descriptor,
  type Digest,
  describe,
  encodeJson,
  type Index,
  isIndexType,
  isManifestType,
  layerCompression,
  MAX_MANIFEST_BYTES,
  type Manifest,
  MediaType,
  parseIndex,
  parseManifest,
  parseTaggedReference,
} from '../../oci/index.ts';
import type { MarshalledCache } from './chains.ts';
import { type BuiltGraph, collectRecords } from './collect.ts';
import { BUILDKIT_CONFIG_BYTES, CACHE_CONFIG_TYPE } from './config.ts';
import { cacheExportFailed } from './errors.ts';
import { LayerPacker, type LayerPackerContext } from './layers.ts';
import type { Registries } from './registries.ts';

export type PlacedDestination = Exclude<CacheDestinationSpec, { readonly type: 'inline' }>;

export interface CacheExportContext extends LayerPackerContext {
  readonly images: ImageStore;
  readonly registries: Registries;
}

export interface CacheExportInput {
  readonly graph: BuiltGraph;
  /** What was built. */
  readonly tree: TreeResult;
  /** Takes what is odd but no error. */
  readonly warn: (message: string) => void;
}

/** As people read it. */
function nameDestination(spec: PlacedDestination): string {
  return spec.type === 'registry' ? spec.ref : spec.dest;
}

/**
 * Writes what a build made as a cache in BuildKit's form: to a registry or into a directory. Manifests come last: whatever moment it is
 * ended, what was there before is still whole. Throws `CACHE_EXPORT_FAILED`, and what the place itself says.
 */
export async function exportCache(
  spec: PlacedDestination,
  input: CacheExportInput,
  context: CacheExportContext,
  tasks: TaskOptions,
): Promise<Descriptor> {
  const packer = new LayerPacker(context, spec, tasks);
  try {
    tasks.onTask?.('preparing build cache for export', 0, 0);
    const inImage = new Set((await packer.layersOf(input.tree)).map(({ diffID }) => diffID));
    // `min`: what the image has anyhow.
    const accepts = (diffIDs: readonly Digest[]): boolean =>
      spec.mode === 'max' || diffIDs.every((diffID) => inImage.has(diffID));
    const chains = await collectRecords(input.graph, packer, accepts, (layers) => packer.pack(layers));
    const cache = chains.marshal();
    tasks.onTask?.('preparing build cache for export', 0, 0, true);
    if (cache.config.byteLength > BUILDKIT_CONFIG_BYTES)
      input.warn(`the cache's config has ${cache.config.byteLength} bytes: BuildKit reads no more than 1 MiB`);
    const { root, small } = makeManifest(cache, spec);
    const source = createSource(small, packer.origins, context.images);
    for (const [digest, { repository }] of packer.origins)
      if (repository !== undefined) await context.images.recordSources([digest], repository);
    await send(spec, root, source, context, nameTasks(tasks, root, small));
    tasks.onTask?.(`writing cache ${spec.imageManifest === false ? '' : 'image '}manifest ${root.digest}`, 0, 0, true);
    return root;
  } catch (error) {
    tasks.signal?.throwIfAborted();
    if (errorCode(error) === 'CACHE_LAYER_LOST') throw error;
    checkLostBlob((digest) => packer.origins.get(digest), error, tasks.signal);
    throw cacheExportFailed(nameDestination(spec), error);
  }
}

/** As BuildKit calls what it writes. */
function nameTasks({ onTask, signal }: TaskOptions, root: Descriptor, small: ReadonlyMap<Digest, Buffer>): TaskOptions {
  return {
    ...(signal === undefined ? {} : { signal }),
    onTask(id, current, total, completed) {
      if (id === root.digest) return;
      onTask?.(`writing ${small.has(id as Digest) ? 'config' : 'layer'} ${id}`, current, total, completed);
    },
  };
}

async function send(
  spec: PlacedDestination,
  root: Descriptor,
  source: Fetcher,
  { images, registries }: CacheExportContext,
  tasks: TaskOptions,
): Promise<void> {
  if (spec.type === 'registry') {
    const reference = parseTaggedReference(spec.ref);
    const { tag } = reference;
    await images.sendGraph(source, registries.repository(reference, spec.insecure === true), root, { ...tasks, tag });
    return;
  }
  const layout = createOciLayout(resolve(spec.dest));
  await copyGraph(source, layout, root, {
    signal: tasks.signal,
    onProgress: ({ descriptor, status, current }) =>
      tasks.onTask?.(descriptor.digest, current, descriptor.size, status !== 'copying'),
  });
  await layout.tag(root, spec.tag ?? 'latest');
  if (spec.reset) await dropUnreached(layout.path, layout.readIndex(), layout);
}

interface MadeManifest {
  readonly root: Descriptor;
  /** Manifest and config, by digest. */
  readonly small: ReadonlyMap<Digest, Buffer>;
}

/** In the form of an image's manifest, or of an index, as registries took it before they knew other configs than images'. */
function makeManifest(cache: MarshalledCache, options: CacheExportOptions): MadeManifest {
  const config = describe(CACHE_CONFIG_TYPE, cache.config);
  const isOci = options.ociMediaTypes !== false;
  const layers = isOci ? cache.layers : cache.layers.map(toDockerLayer);
  const body: Manifest | Index =
    options.imageManifest === false
      ? {
          schemaVersion: 2,
          mediaType: isOci ? MediaType.ociIndex : MediaType.dockerIndex,
          manifests: [...layers, config],
        }
      : { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers };
  const content = encodeJson(body);
  const root = describe(body.mediaType ?? MediaType.ociManifest, content);
  return {
    root,
    small: new Map([
      [root.digest, content],
      [config.digest, cache.config],
    ]),
  };
}

function toDockerLayer(layer: Descriptor): Descriptor {
  const compression = layerCompression(layer.mediaType);
  if (compression === 'gzip') return { ...layer, mediaType: MediaType.dockerLayerGzip };
  return compression === 'none' ? { ...layer, mediaType: MediaType.dockerLayer } : layer;
}

/** Blobs from the store, from where they were found, or from a repository that has them. */
function createSource(
  small: ReadonlyMap<Digest, Buffer>,
  origins: ReadonlyMap<Digest, LayerPlace>,
  images: Pick<ImageStore, 'openBlob'>,
): Fetcher {
  return {
    async fetch(descriptor, options = {}) {
      const made = small.get(descriptor.digest);
      if (made !== undefined) return Readable.from([made.subarray(options.offset ?? 0)]);
      const { origin } = origins.get(descriptor.digest) ?? {};
      return origin === undefined ? images.openBlob(descriptor, options) : origin.fetch(descriptor, options);
    },
  };
}

/** `reset`: removes the blobs of a layout that nothing in its index leads to. */
async function dropUnreached(path: string, { manifests }: Index, layout: Fetcher): Promise<void> {
  const reached = new Set<string>();
  const stack = [...manifests];
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (reached.has(at.digest)) continue;
    reached.add(at.digest);
    const isManifest = isManifestType(at.mediaType);
    if ((!isManifest && !isIndexType(at.mediaType)) || at.size > MAX_MANIFEST_BYTES) continue;
    const chunks: Buffer[] = [];
    for await (const chunk of await layout.fetch(at)) chunks.push(chunk as Buffer);
    const content = Buffer.concat(chunks);
    if (isManifest) {
      const { config, layers } = parseManifest(content, at.digest);
      stack.push(config, ...layers);
    } else stack.push(...parseIndex(content, at.digest).manifests);
  }
  const blobs = join(path, 'blobs');
  for (const algorithm of readdirSync(blobs))
    for (const encoded of readdirSync(join(blobs, algorithm)))
      if (!reached.has(`${algorithm}:${encoded}`)) rmSync(join(blobs, algorithm, encoded), { force: true });
}

/**
 * The cache that an image carries in its own config, as the text of that field: records whose results are the image's first so many
 * layers. `undefined` when there is none.
 *
 * @param diffIDs of the image, bottom first
 */
export async function makeInlineCache(
  graph: BuiltGraph,
  context: LayerPackerContext,
  diffIDs: readonly Digest[],
  tasks: TaskOptions,
): Promise<string | undefined> {
  const isPrefix = (layers: readonly Digest[]): boolean => layers.every((diffID, i) => diffIDs[i] === diffID);
  const packer = new LayerPacker(context, {}, tasks);
  const chains = await collectRecords(graph, packer, isPrefix, (layers) => packer.name(layers));
  const { records } = chains.marshal({ layerNumber: 'depth' });
  return records.length === 0 ? undefined : Buffer.from(JSON.stringify(records)).toString('base64');
}
