import {
  type Descriptor,
  type Digest,
  formatReference,
  type ImageConfig,
  isConfigType,
  isIndexType,
  isManifestType,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  MediaType,
  matchPlatform,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
  parseTaggedReference,
  type Reference,
  sniffManifestType,
} from '../oci/index.ts';
import type { ImageContext } from './context.ts';
import { imageNotFound, layerCountMismatch, notAnImage, platformNotFound } from './errors.ts';
import { configPlatform, imageIDOf, isAttestation, selectManifest } from './graph.ts';
import { holdResolved } from './hold.ts';
import { ensureBlob, recordSources } from './layers/fetch.ts';
import { findImage } from './names/find.ts';
import { recordName } from './names/names.ts';
import type { ResolvedImage, ResolveOptions } from './types.ts';

/** Reads a blob of metadata, from the store or, where that is allowed, from the registry. */
type ReadMetadata = (descriptor: Descriptor, maxBytes: number) => Promise<Buffer>;

/** `ImageSource.resolve`: the store first, unless the registry is to be asked. What a digest names does not change. */
export async function resolveImage(
  context: ImageContext,
  text: string,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  const reference = parseTaggedReference(text);
  const { pull } = options;
  const asksFirst = (pull === 'always' || pull === 'newer') && reference.digest === undefined;
  if (asksFirst) {
    const known = pull === 'newer' ? await findTarget(context, reference) : undefined;
    if (known === undefined) return await resolveAtRegistry(context, reference, options);
    return await resolveAtRegistry(context, reference, options).catch(async () => {
      options.signal?.throwIfAborted();
      return await resolveImage(context, text, { ...options, pull: 'missing' });
    });
  }
  const known = await findTarget(context, reference);
  const image = known === undefined ? undefined : await readStored(context, reference, known, options);
  if (known !== undefined && image !== undefined) {
    const fits = isIndexType(known.mediaType) || matchPlatform(options.platform, image.platform) > 0;
    if (fits || options.pull === 'never') return image;
    // The store has the name for another platform only; where the registry has none either, the store's must do.
    return resolveAtRegistry(context, reference, options).catch(() => {
      options.signal?.throwIfAborted();
      return image;
    });
  }
  if (options.pull === 'never') throw imageNotFound(text);
  return resolveAtRegistry(context, reference, options);
}

/** `undefined` when it was removed while it was read. */
async function readStored(
  context: ImageContext,
  reference: Reference,
  known: Descriptor,
  options: ResolveOptions,
): Promise<ResolvedImage | undefined> {
  const read = createReader(context, reference, options);
  const image = await readTarget(nameTarget(reference, known), known, options.platform, read);
  return (await holdResolved(context, image)) ? image : undefined;
}

/** Asks the registry what a reference names now, and records the answer. */
async function resolveAtRegistry(
  context: ImageContext,
  reference: Reference,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  const image = await queryRegistry(context, reference, options);
  await recordPulled(context, reference, image.target);
  return image;
}

/** Asks the registry what a reference names now, and gets the metadata of that. No name is recorded. */
export async function queryRegistry(
  context: ImageContext,
  reference: Reference,
  options: ResolveOptions,
): Promise<ResolvedImage> {
  const { digest, tag = 'latest' } = reference;
  const target = await context.registry.repository(reference).resolve(digest ?? tag, { signal: options.signal });
  const read = createReader(context, reference, options);
  const image = await readTarget(nameTarget(reference, target), target, options.platform, read);
  await recordSources(context, image.manifest?.content.layers ?? [], reference);
  return image;
}

/** Records a name that was resolved at its registry, and the digest that the registry has for it. */
export async function recordPulled(context: ImageContext, reference: Reference, target: Descriptor): Promise<void> {
  const { domain, path } = reference;
  const imageID = await imageIDOf(context.content, target);
  const names = new Set([recordName(reference), formatReference({ domain, path, digest: target.digest })]);
  const isKnown = [...names].every((name) => {
    const record = context.records.get(name);
    return record?.target.digest === target.digest && record.imageID === imageID;
  });
  if (!isKnown) await context.records.assign([...names], target, imageID);
}

/** What the store knows of a reference: by its records, or by the digest in it. */
async function findTarget(context: ImageContext, reference: Reference): Promise<Descriptor | undefined> {
  const found = findImage(context.records, formatReference(reference));
  if (found?.by === 'name') return found.record.target;
  return reference.digest === undefined ? undefined : describeStored(context, reference.digest);
}

/** Finds out what a stored blob is that is only known by its digest. */
async function describeStored(context: ImageContext, digest: Digest): Promise<Descriptor | undefined> {
  const size = context.content.stat(digest)?.size;
  if (size === undefined || size > MAX_MANIFEST_BYTES) return undefined;
  const bytes = await context.content.read(digest, MAX_MANIFEST_BYTES);
  const mediaType = sniffManifestType(bytes) ?? (isConfig(bytes) ? MediaType.ociConfig : undefined);
  return mediaType === undefined ? undefined : { mediaType, digest, size };
}

function isConfig(bytes: Buffer): boolean {
  try {
    parseImageConfig(bytes, 'config');
    return true;
  } catch {
    return false;
  }
}

function createReader(context: ImageContext, reference: Reference, options: ResolveOptions): ReadMetadata {
  return async (descriptor, maxBytes) => {
    const { digest, size } = descriptor;
    if (size > maxBytes) throw notAnImage(digest, `its metadata has ${size} bytes, at most ${maxBytes} are read`);
    if (options.pull !== 'never') await ensureBlob(context, descriptor, { signal: options.signal }, reference);
    return context.content.read(digest, maxBytes);
  };
}

function nameTarget(reference: Reference, target: Descriptor): string {
  return formatReference({ ...reference, digest: target.digest });
}

/** From what a name means down to one platform's config. `named` has the digest of `target` in it. */
export async function readTarget(
  named: string,
  target: Descriptor,
  platform: Platform,
  read: ReadMetadata,
): Promise<ResolvedImage> {
  if (isConfigType(target.mediaType)) {
    const config = parseImageConfig(await read(target, MAX_CONFIG_BYTES), named);
    return { reference: named, target, configDigest: target.digest, config, platform: configPlatform(config) };
  }
  const descriptor = await descendToManifest(named, target, platform, read);
  const content = parseManifest(await read(descriptor, MAX_MANIFEST_BYTES), named);
  if (!isConfigType(content.config.mediaType)) throw notAnImage(named, `its config is ${content.config.mediaType}`);
  const config: ImageConfig = parseImageConfig(await read(content.config, MAX_CONFIG_BYTES), named);
  const diffIDs = config.rootfs.diff_ids;
  if (content.layers.length !== diffIDs.length) throw layerCountMismatch(named, content.layers.length, diffIDs.length);
  return {
    reference: named,
    target,
    manifest: { descriptor, content },
    configDigest: content.config.digest,
    config,
    platform: descriptor.platform ?? configPlatform(config),
  };
}

/** Indexes may hold indexes; nobody nests them deeper than this. */
const MAX_INDEX_DEPTH = 4;

async function descendToManifest(
  named: string,
  target: Descriptor,
  platform: Platform,
  read: ReadMetadata,
): Promise<Descriptor> {
  let current = target;
  for (let depth = 0; depth < MAX_INDEX_DEPTH && isIndexType(current.mediaType); depth++) {
    const { manifests } = parseIndex(await read(current, MAX_MANIFEST_BYTES), named);
    const selected = selectManifest(manifests, platform);
    const have = manifests.flatMap((child) => (isAttestation(child) ? [] : (child.platform ?? [])));
    if (selected === undefined) throw platformNotFound(named, [platform], have);
    current = selected;
  }
  if (!isManifestType(current.mediaType)) throw notAnImage(named, `its media type is ${current.mediaType}`);
  return current;
}
