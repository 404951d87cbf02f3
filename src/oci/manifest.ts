import type { Descriptor } from './descriptor.ts';
import { isDigest } from './digest.ts';
import { invalidManifest } from './errors.ts';
import { isIndexType, isManifestType, MediaType } from './media-types.ts';

/** OCI image-spec manifest.md; Docker schema 2 has the same shape. */
export interface Manifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** OCI image-spec image-index.md; Docker's manifest list has the same shape. */
export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly artifactType?: string;
  readonly manifests: readonly Descriptor[];
  readonly subject?: Descriptor;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The most bytes a manifest or index may have; larger ones are refused before they are read. */
export const MAX_MANIFEST_BYTES = 8 * 1024 * 1024;
/** The most bytes an image config may have. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Canonical JSON bytes of a manifest, index or config: keys in the order given, no spaces. */
export function encodeJson(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** Parses a manifest from hostile bytes; throws `MANIFEST_INVALID`. */
export function parseManifest(content: Uint8Array, where: string): Manifest {
  const value = parseObject(content, where);
  if (typeof value.mediaType === 'string' && !isManifestType(value.mediaType))
    throw invalidManifest(where, `mediaType is ${value.mediaType}, expected a manifest`);
  checkDescriptor(value.config, `${where}: config`);
  checkTexts(value.annotations, `${where}: annotations`);
  if (!Array.isArray(value.layers)) throw invalidManifest(where, 'layers is not an array');
  value.layers.forEach((layer, i) => {
    checkDescriptor(layer, `${where}: layers[${i}]`);
  });
  return value as unknown as Manifest;
}

/** Parses an index from hostile bytes; throws `MANIFEST_INVALID`. */
export function parseIndex(content: Uint8Array, where: string): Index {
  const value = parseObject(content, where);
  if (typeof value.mediaType === 'string' && !isIndexType(value.mediaType))
    throw invalidManifest(where, `mediaType is ${value.mediaType}, expected an index`);
  if (!Array.isArray(value.manifests)) throw invalidManifest(where, 'manifests is not an array');
  checkTexts(value.annotations, `${where}: annotations`);
  value.manifests.forEach((manifest, i) => {
    checkDescriptor(manifest, `${where}: manifests[${i}]`);
  });
  return value as unknown as Index;
}

/** The descriptors that a manifest or index points to, children first in push order. */
export function childrenOf(descriptor: Descriptor, content: Uint8Array): readonly Descriptor[] {
  if (isManifestType(descriptor.mediaType)) {
    const manifest = parseManifest(content, descriptor.digest);
    return [...manifest.layers, manifest.config];
  }
  if (isIndexType(descriptor.mediaType)) return parseIndex(content, descriptor.digest).manifests;
  return [];
}

/** Finds the media type of manifest bytes that came without one. */
export function sniffManifestType(content: Uint8Array): string | undefined {
  try {
    const value = parseObject(content, 'manifest');
    if (typeof value.mediaType === 'string') return value.mediaType;
    if (Array.isArray(value.manifests)) return MediaType.ociIndex;
    if (Array.isArray(value.layers)) return MediaType.ociManifest;
  } catch {
    // Not JSON: the caller's own error names the place better.
  }
  return undefined;
}

function parseObject(content: Uint8Array, where: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content).toString('utf8'));
  } catch (error) {
    throw invalidManifest(where, `not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalidManifest(where, 'not a JSON object');
  const object = value as Record<string, unknown>;
  if (object.schemaVersion !== 2)
    throw invalidManifest(where, `schemaVersion is ${JSON.stringify(object.schemaVersion)}, expected 2`);
  return object;
}

function checkDescriptor(value: unknown, where: string): asserts value is Descriptor {
  if (typeof value !== 'object' || value === null) throw invalidManifest(where, 'not a descriptor');
  const d = value as Record<string, unknown>;
  if (typeof d.mediaType !== 'string') throw invalidManifest(where, 'mediaType is missing');
  if (typeof d.digest !== 'string' || !isDigest(d.digest))
    throw invalidManifest(where, `digest ${JSON.stringify(d.digest)} is not a digest`);
  if (!Number.isSafeInteger(d.size) || (d.size as number) < 0)
    throw invalidManifest(where, `size ${JSON.stringify(d.size)} is not a size`);
  checkTexts(d.annotations, `${where}: annotations`);
  const { 'os.features': features, ...platform } = checkObject(d.platform, `${where}: platform`);
  checkTexts(platform, `${where}: platform`);
  checkTexts(features, `${where}: os.features`);
}

/** Where there is such a field at all, Go reads each value of it as a text, and refuses what is none. */
function checkTexts(value: unknown, where: string): void {
  for (const [key, text] of Object.entries(checkObject(value, where)))
    if (typeof text !== 'string') throw invalidManifest(where, `${JSON.stringify(key)} is not a text`);
}

function checkObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object') throw invalidManifest(where, 'not an object');
  return value as Readonly<Record<string, unknown>>;
}
