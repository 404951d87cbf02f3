import type { Provider } from '../content/index.ts';
import {
  type Descriptor,
  type Digest,
  hostPlatform,
  type ImageConfig,
  type Index,
  isConfigType,
  isIndexType,
  isManifestType,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  matchPlatform,
  type Platform,
  parseImageConfig,
  parseIndex,
  parseManifest,
} from '../oci/index.ts';

/** The graph of an image as it lies in the store: index, manifests, configs, layers. */
type Blobs = Pick<Provider, 'stat' | 'read'>;

export async function readManifest(content: Blobs, digest: Digest): Promise<Manifest> {
  return parseManifest(await content.read(digest, MAX_MANIFEST_BYTES), digest);
}

export async function readIndex(content: Blobs, digest: Digest): Promise<Index> {
  return parseIndex(await content.read(digest, MAX_MANIFEST_BYTES), digest);
}

export async function readConfig(content: Blobs, digest: Digest): Promise<ImageConfig> {
  return parseImageConfig(await content.read(digest, MAX_CONFIG_BYTES), digest);
}

/** The platform that a config speaks of. */
export function configPlatform(config: ImageConfig): Platform {
  return {
    os: config.os,
    architecture: config.architecture,
    ...(config.variant === undefined ? {} : { variant: config.variant }),
    ...(config['os.version'] === undefined ? {} : { 'os.version': config['os.version'] }),
  };
}

/** BuildKit lists attestations in an index beside the images, with this platform. */
export function isAttestation(descriptor: Descriptor): boolean {
  return descriptor.platform?.os === 'unknown' || descriptor.annotations?.['vnd.docker.reference.type'] !== undefined;
}

/** The one of an index's manifests that serves `platform` best; `undefined` when none does. */
export function selectManifest(manifests: readonly Descriptor[], platform: Platform): Descriptor | undefined {
  let best: Descriptor | undefined;
  let bestScore = 0;
  for (const candidate of manifests) {
    if (isAttestation(candidate)) continue;
    // An index of one image need not say whose it is.
    const score = candidate.platform === undefined ? 0.5 : matchPlatform(platform, candidate.platform);
    if (score > bestScore) [best, bestScore] = [candidate, score];
  }
  return best;
}

/**
 * The config digest of a target: of an index, that of the host's platform if it is in the store, else of the first that is.
 * A target without a config is its own ID.
 */
export async function imageIDOf(content: Blobs, target: Descriptor): Promise<Digest> {
  const manifest = await localManifest(content, target, hostPlatform());
  return manifest === undefined ? target.digest : (await readManifest(content, manifest.digest)).config.digest;
}

/** The manifest that a target means on this platform, or failing that any, among those in the store. */
export async function localManifest(
  content: Blobs,
  target: Descriptor,
  platform: Platform,
): Promise<Descriptor | undefined> {
  if (isManifestType(target.mediaType)) return content.stat(target.digest) === undefined ? undefined : target;
  if (!isIndexType(target.mediaType) || content.stat(target.digest) === undefined) return undefined;
  const present = (await readIndex(content, target.digest)).manifests.filter(
    (child) => isManifestType(child.mediaType) && !isAttestation(child) && content.stat(child.digest) !== undefined,
  );
  return selectManifest(present, platform) ?? present[0];
}

/**
 * What of a target is wholly in the store: the target itself, or those manifests of an index of which every blob is there.
 * Empty for a bare config.
 */
export async function wholeTargets(content: Blobs, target: Descriptor): Promise<readonly Descriptor[]> {
  if (content.stat(target.digest) === undefined) return [];
  if (isManifestType(target.mediaType)) {
    const manifest = await readManifest(content, target.digest);
    const whole = [manifest.config, ...manifest.layers].every((blob) => content.stat(blob.digest) !== undefined);
    return whole ? [target] : [];
  }
  if (!isIndexType(target.mediaType)) return [];
  const { manifests } = await readIndex(content, target.digest);
  const parts: (readonly Descriptor[])[] = [];
  for (const child of manifests) parts.push(await wholeTargets(content, child));
  const all = parts.every((part, i) => part.length === 1 && part[0]?.digest === manifests[i]?.digest);
  return all ? [target] : parts.flat();
}

/** Visits a target and everything in the store that it reaches, each once. Damaged parts are passed over. */
export async function walkGraph(
  content: Blobs,
  target: Descriptor,
  seen: Set<Digest>,
  visitConfig: (digest: Digest) => void,
): Promise<void> {
  if (seen.has(target.digest)) return;
  seen.add(target.digest);
  if (isConfigType(target.mediaType)) visitConfig(target.digest);
  if (content.stat(target.digest) === undefined) return;
  for (const child of await childrenInStore(content, target)) await walkGraph(content, child, seen, visitConfig);
}

/** What a manifest or index of the store points to; nothing for one that cannot be read. */
export async function childrenInStore(content: Blobs, target: Descriptor): Promise<readonly Descriptor[]> {
  try {
    if (isManifestType(target.mediaType)) {
      const manifest = await readManifest(content, target.digest);
      return [manifest.config, ...manifest.layers];
    }
    if (isIndexType(target.mediaType)) return (await readIndex(content, target.digest)).manifests;
  } catch {
    // Nothing more is reached through what cannot be read.
  }
  return [];
}
