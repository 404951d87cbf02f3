import { isAbsolute, resolve } from 'node:path';
import type { CacheSourceSpec } from '../../build-types.ts';
import { fetchContent, openOciLayout } from '../../content/index.ts';
import type { Fetcher } from '../../content/targets.ts';
import type { KnownLayer, LayerPlace } from '../../llb/results.ts';
import {
  type Descriptor,
  type Digest,
  isConfigType,
  isDigest,
  isIndexType,
  isManifestType,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parseTaggedReference,
} from '../../oci/index.ts';
import {
  CACHE_CONFIG_TYPE,
  type CacheConfig,
  type CacheRecord,
  MAX_CACHE_CONFIG_BYTES,
  parseCacheConfig,
  parseInlineRecords,
  parseTime,
} from './config.ts';
import { cacheInvalid, noCache } from './errors.ts';
import { indexRecords, type RecordIndex } from './match.ts';
import type { Registries } from './registries.ts';

/** The field of an image's config in which BuildKit keeps the cache that travels with the image (`type=inline`). */
const INLINE_CACHE_FIELD = 'moby.buildkit.cache.v0';
/** What BuildKit says of a layer beside its blob. */
export const DIFF_ID_ANNOTATION = 'containerd.io/uncompressed';
export const CREATED_ANNOTATION = 'buildkit/createdat';

/** The platforms of one image of which caches are read, at most. */
const MAX_MANIFESTS = 32;

/** A cache that somebody exported, its records at hand; its layers stay where they are. */
export interface ImportedCache {
  readonly name: string;
  readonly records: readonly CacheRecord[];
  readonly index: RecordIndex;
  /** Those of the config; `undefined` where nothing tells what is in a layer. */
  readonly layers: readonly (KnownLayer | undefined)[];
  readonly place: LayerPlace;
}

/** As people read it in `importing cache manifest from …`. */
export function nameSource(spec: CacheSourceSpec): string {
  return spec.type === 'registry' ? spec.ref : (spec.digest ?? spec.src);
}

/**
 * Reads what a `--cache-from` names: a cache in one of BuildKit's forms, or an image that has one in it. Only manifest and config are
 * fetched. Throws `CACHE_CONFIG_INVALID`, `CACHE_NOT_FOUND`, and what the place itself says.
 */
export async function importCache(
  spec: CacheSourceSpec,
  registries: Registries,
  signal: AbortSignal,
): Promise<readonly ImportedCache[]> {
  const { fetcher, place, descriptor } = await openSource(spec, registries, signal);
  const read = (child: Descriptor, max: number): Promise<Buffer> => fetchContent(fetcher, child, max, { signal });
  const content = await read(descriptor, MAX_MANIFEST_BYTES);
  const { name } = place;
  if (isManifestType(descriptor.mediaType)) {
    return [await readCacheManifest(parseManifest(content, name), place, read)];
  }
  if (!isIndexType(descriptor.mediaType)) throw cacheInvalid(name, `its media type is ${descriptor.mediaType}`);
  const { manifests } = parseIndex(content, name);
  const config = manifests.find(({ mediaType }) => mediaType === CACHE_CONFIG_TYPE);
  if (config !== undefined) {
    const parsed = parseCacheConfig(await read(config, MAX_CACHE_CONFIG_BYTES), name);
    return [toCache(parsed, manifests, place)];
  }
  const caches: ImportedCache[] = [];
  for (const child of manifests.filter(({ mediaType }) => isManifestType(mediaType)).slice(0, MAX_MANIFESTS)) {
    const manifest = parseManifest(await read(child, MAX_MANIFEST_BYTES), name);
    const found = isConfigType(manifest.config.mediaType) ? await readInline(manifest, place, read) : undefined;
    if (found !== undefined) caches.push(found);
  }
  if (caches.length === 0) throw noCache(name);
  return caches;
}

type Read = (descriptor: Descriptor, maxBytes: number) => Promise<Buffer>;

async function openSource(
  spec: CacheSourceSpec,
  registries: Registries,
  signal: AbortSignal,
): Promise<{ readonly fetcher: Fetcher; readonly place: LayerPlace; readonly descriptor: Descriptor }> {
  const name = nameSource(spec);
  if (spec.type === 'registry') {
    const reference = parseTaggedReference(spec.ref);
    const { domain, path, digest, tag = 'latest' } = reference;
    const fetcher = registries.repository(reference, spec.insecure === true);
    const descriptor = await fetcher.resolve(digest ?? tag, { signal });
    // Of an insecure one nobody else knows how to speak to it.
    const place = spec.insecure ? { name, origin: fetcher } : { name, repository: { domain, path } };
    return { fetcher, place, descriptor };
  }
  const layout = openOciLayout(isAbsolute(spec.src) ? spec.src : resolve(spec.src));
  const descriptor = await layout.resolve(spec.digest ?? spec.tag ?? 'latest');
  return { fetcher: layout, place: { name, origin: layout }, descriptor };
}

async function readCacheManifest(manifest: Manifest, place: LayerPlace, read: Read): Promise<ImportedCache> {
  const { config, layers } = manifest;
  if (config.mediaType === CACHE_CONFIG_TYPE)
    return toCache(parseCacheConfig(await read(config, MAX_CACHE_CONFIG_BYTES), place.name), layers, place);
  if (!isConfigType(config.mediaType)) throw cacheInvalid(place.name, `its config is ${config.mediaType}`);
  const found = await readInline(manifest, place, read);
  if (found === undefined) throw noCache(place.name);
  return found;
}

function toCache({ layers, records }: CacheConfig, blobs: readonly Descriptor[], place: LayerPlace): ImportedCache {
  const byDigest = new Map(blobs.map((blob) => [blob.digest, blob]));
  return {
    name: place.name,
    records,
    index: indexRecords(records),
    layers: layers.map(({ blob }) => toLayer(byDigest.get(blob))),
    place,
  };
}

function toLayer(blob: Descriptor | undefined): KnownLayer | undefined {
  const { [DIFF_ID_ANNOTATION]: diffID = '', [CREATED_ANNOTATION]: createdAt } = blob?.annotations ?? {};
  if (blob === undefined || !isDigest(diffID)) return undefined;
  return makeLayer(blob, diffID, parseTime(createdAt));
}

function makeLayer({ mediaType, digest, size }: Descriptor, diffID: Digest, createdMs: number): KnownLayer {
  return { diffID, blob: { mediaType, digest, size }, ...(createdMs === 0 ? {} : { createdMs }) };
}

/** The cache in an image: its records' layers are the image's. `undefined` where there is none. */
async function readInline(
  { config, layers: blobs }: Manifest,
  place: LayerPlace,
  read: Read,
): Promise<ImportedCache | undefined> {
  const content = await read(config, MAX_CONFIG_BYTES);
  const image = parseImageConfig(content, place.name);
  const field: unknown = image[INLINE_CACHE_FIELD];
  if (typeof field !== 'string') return undefined;
  const diffIDs = image.rootfs.diff_ids;
  if (diffIDs.length !== blobs.length) throw cacheInvalid(place.name, 'its manifest and its config name other layers');
  const created = (image.history ?? []).filter(({ empty_layer }) => !empty_layer).map((entry) => entry.created);
  const layers = blobs.map(({ digest }, i) => ({ blob: digest, parent: i - 1 }));
  const records = parseInlineRecords(Buffer.from(field, 'base64'), layers, place.name);
  return {
    name: place.name,
    records,
    index: indexRecords(records),
    layers: blobs.map((blob, i) => {
      const diffID = diffIDs[i];
      return diffID !== undefined && isDigest(diffID) ? makeLayer(blob, diffID, parseTime(created[i])) : undefined;
    }),
    place,
  };
}
