import {
  type Descriptor,
  type Digest,
  describe,
  encodeJson,
  type Index,
  type Manifest,
  MediaType,
  parseIndex,
  parseManifest,
} from '../../oci/index.ts';
import { artifactInvalid } from './errors.ts';
import { displayId, type MountFacts } from './facts.ts';
import type { PackedPart } from './memo.ts';
import type { Part } from './plan.ts';

/**
 * A cache mount as an OCI artifact (image-spec 1.1, manifest.md#guidelines-for-artifact-usage): a manifest with this artifactType, the
 * empty config, the facts as annotations, and layers that are tars, one for each part of the directory. Several mounts are an index.
 * It says nothing of when it was made: equal mounts have equal manifests.
 */
export const ARTIFACT_TYPE = 'application/vnd.tsbuild.cache-mount.v1';

const PREFIX = 'vnd.tsbuild.cache-mount.';
const CREATED = 'org.opencontainers.image.created';
export const EMPTY_CONFIG = Buffer.from('{}');
/** More parts would be a manifest that registries refuse. */
const MAX_PARTS = 10_000;
const MAX_MOUNTS = 1000;
/** What a part's unpacking remembers is bounded by this. */
const MAX_PART_ENTRIES = 10_000_000;

/** One mount in a place. */
export interface ArtifactEntry {
  readonly descriptor: Descriptor;
  readonly facts: MountFacts;
}

export interface ArtifactPart extends PackedPart {
  readonly kind: Part['kind'];
  readonly entries: number;
}

/** A mount's manifest, read and checked. */
export interface MountArtifact {
  readonly facts: MountFacts;
  readonly parts: readonly ArtifactPart[];
}

export function encodeMount(facts: MountFacts, parts: readonly ArtifactPart[]): Buffer {
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: ARTIFACT_TYPE,
    config: describe(MediaType.ociEmpty, EMPTY_CONFIG),
    layers: parts.map((part) => layerOf(part)),
    annotations: {
      ...annotate(facts),
      [`${PREFIX}entries`]: String(parts.reduce((sum, { entries }) => sum + entries, 0)),
    },
  };
  return encodeJson(manifest);
}

export function layerOf({ digest, size, kind, tarSize, entries }: ArtifactPart): Descriptor {
  return {
    mediaType: MediaType.ociLayerZstd,
    digest,
    size,
    annotations: {
      [`${PREFIX}part`]: kind,
      [`${PREFIX}tar-size`]: String(tarSize),
      [`${PREFIX}entries`]: String(entries),
    },
  };
}

/** Several mounts. */
export function encodeMounts(entries: readonly ArtifactEntry[]): Buffer {
  const index: Index = {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    artifactType: ARTIFACT_TYPE,
    manifests: entries.map(({ descriptor: { mediaType, digest, size }, facts }) => ({
      mediaType,
      digest,
      size,
      artifactType: ARTIFACT_TYPE,
      annotations: annotate(facts),
    })),
  };
  return encodeJson(index);
}

/** Reads a mount's manifest, which nobody vouches for; throws `CACHE_MOUNT_ARTIFACT_INVALID`. */
export function decodeMount(content: Uint8Array, where: string): MountArtifact {
  const manifest = parseManifest(content, where);
  if ((manifest.artifactType ?? manifest.config.mediaType) !== ARTIFACT_TYPE)
    throw artifactInvalid(where, `it is ${manifest.artifactType ?? manifest.config.mediaType}, not a cache mount`);
  const { layers } = manifest;
  if (layers.length === 0 || layers.length > MAX_PARTS) throw artifactInvalid(where, `it has ${layers.length} layers`);
  const parts = layers.map((layer): ArtifactPart => {
    if (layer.mediaType !== MediaType.ociLayerZstd) throw artifactInvalid(where, `a layer is ${layer.mediaType}`);
    const kind = layer.annotations?.[`${PREFIX}part`];
    if (kind !== 'directories' && kind !== 'files' && kind !== 'links')
      throw artifactInvalid(where, 'a layer does not say which part it is');
    const read = (key: string): number => readNumber(where, key, layer.annotations?.[`${PREFIX}${key}`]);
    return { digest: layer.digest, size: layer.size, kind, tarSize: read('tar-size'), entries: read('entries') };
  });
  const most = Math.max(...parts.map(({ entries }) => entries));
  if (most > MAX_PART_ENTRIES) throw artifactInvalid(where, `a layer has ${most} entries`);
  const inOrder = parts.every(
    ({ kind }, i) => (kind === 'directories') === (i === 0) && (kind !== 'links' || i === parts.length - 1),
  );
  if (!inOrder) throw artifactInvalid(where, 'its layers are not in order');
  if (new Set(parts.map(({ digest }) => digest)).size < parts.length)
    throw artifactInvalid(where, 'a layer is listed twice');
  return { facts: readAnnotations(where, manifest.annotations), parts };
}

/** Reads an index of mounts; throws `CACHE_MOUNT_ARTIFACT_INVALID`. */
export function decodeMounts(content: Uint8Array, where: string): readonly ArtifactEntry[] {
  const index = parseIndex(content, where);
  // Not by the index's own type: tools that copy one write it anew, without that.
  if (!index.manifests.every(({ annotations }) => typeof annotations?.[`${PREFIX}raw-id`] === 'string'))
    throw artifactInvalid(where, `it is ${index.artifactType ?? 'an image of several platforms'}, not cache mounts`);
  if (index.manifests.length > MAX_MOUNTS) throw artifactInvalid(where, `it has ${index.manifests.length} mounts`);
  return index.manifests.map((descriptor) => ({ descriptor, facts: readAnnotations(where, descriptor.annotations) }));
}

function annotate({ id, mode, uid, gid, seed, createdMs }: MountFacts): Record<string, string> {
  return {
    [CREATED]: new Date(createdMs).toISOString(),
    [`${PREFIX}id`]: displayId(id),
    [`${PREFIX}raw-id`]: id,
    [`${PREFIX}mode`]: `0${mode.toString(8)}`,
    [`${PREFIX}uid`]: String(uid),
    [`${PREFIX}gid`]: String(gid),
    ...(seed === undefined ? {} : { [`${PREFIX}seed`]: seed }),
  };
}

function readAnnotations(where: string, annotations: Readonly<Record<string, string>> = {}): MountFacts {
  const get = (key: string): string | undefined => {
    const value: unknown = annotations[`${PREFIX}${key}`];
    return typeof value === 'string' && value.length <= 4096 && !value.includes('\0') ? value : undefined;
  };
  const id = get('raw-id');
  if (id === undefined || id === '') throw artifactInvalid(where, 'it does not say its id');
  const mode = get('mode');
  if (mode === undefined || !/^[0-7]{1,5}$/.test(mode)) throw artifactInvalid(where, 'it has no mode');
  const owner = (key: 'uid' | 'gid'): number => {
    const value = readNumber(where, key, get(key));
    if (value >= 2 ** 32 - 1) throw artifactInvalid(where, `its ${key} is out of range`);
    return value;
  };
  const seed = get('seed');
  const createdMs = Date.parse(annotations[CREATED] ?? '');
  return {
    id,
    mode: Number.parseInt(mode, 8) & 0o7777,
    uid: owner('uid'),
    gid: owner('gid'),
    ...(seed === undefined ? {} : { seed }),
    createdMs: Number.isNaN(createdMs) ? Date.now() : createdMs,
  };
}

function readNumber(where: string, key: string, text: string | undefined): number {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : undefined;
  if (value === undefined || !Number.isSafeInteger(value)) throw artifactInvalid(where, `its ${key} is no number`);
  return value;
}

export function mountDescriptor(content: Buffer): Descriptor {
  return { ...describe(MediaType.ociManifest, content), artifactType: ARTIFACT_TYPE };
}

/** Digests of the layers of a manifest. */
export function layerDigests({ parts }: MountArtifact): readonly Digest[] {
  return parts.map(({ digest }) => digest);
}
