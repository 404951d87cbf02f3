import { errorMessage } from '../../errors.ts';
import {
  type Descriptor,
  encodeJson,
  type ImageConfig,
  layerMediaType,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  type Manifest,
  MediaType,
  parseImageConfig,
} from '../../oci/index.ts';
import type { ImageContext } from '../context.ts';
import { archiveInvalid } from '../errors.ts';
import { fullName } from '../names/names.ts';
import type { ArchiveImage } from '../types.ts';
import type { ArchiveFile, ArchiveFiles } from './files.ts';

/** A row of docker's manifest.json. */
export interface DockerManifestEntry {
  readonly Config: string;
  readonly RepoTags: readonly string[];
  readonly Layers: readonly string[];
}

/** The images of an archive of `docker save` before docker 25: layers by path, no manifests. Makes those. */
export async function takeDockerImages(context: ImageContext, files: ArchiveFiles): Promise<readonly ArchiveImage[]> {
  const images: ArchiveImage[] = [];
  for (const entry of await readDockerManifest(files)) {
    const bytes = await files.read(entry.Config, MAX_CONFIG_BYTES);
    const config = parseImageConfig(bytes, entry.Config);
    const layers = entry.Layers.map((path) => files.require(path));
    checkLayers(entry, config, layers);
    for (const layer of layers) await files.adopt(layer);
    const manifest: Manifest = {
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: await context.content.put(MediaType.ociConfig, bytes),
      layers: layers.map(describeLayer),
    };
    const descriptor = await context.content.put(MediaType.ociManifest, encodeJson(manifest));
    images.push({ descriptor, names: entry.RepoTags.map(fullName) });
  }
  return images;
}

/** Docker's manifest.json; throws `ARCHIVE_INVALID`. */
export async function readDockerManifest(files: ArchiveFiles): Promise<readonly DockerManifestEntry[]> {
  const where = 'manifest.json';
  const bytes = await files.read(where, MAX_MANIFEST_BYTES);
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw archiveInvalid(`${where} is not JSON (${errorMessage(error)})`);
  }
  if (!Array.isArray(value)) throw archiveInvalid(`${where} is not an array`);
  return value.map((row: unknown, i) => {
    const entry = typeof row === 'object' && row !== null ? (row as Record<string, unknown>) : {};
    const { Config, RepoTags, Layers } = entry;
    if (typeof Config !== 'string') throw archiveInvalid(`${where}: [${i}].Config is not a path`);
    if (!isStrings(Layers)) throw archiveInvalid(`${where}: [${i}].Layers is not an array of paths`);
    if (RepoTags !== undefined && RepoTags !== null && !isStrings(RepoTags))
      throw archiveInvalid(`${where}: [${i}].RepoTags is not an array of names`);
    return { Config, RepoTags: RepoTags ?? [], Layers };
  });
}

/** A bare tar's digest is its diffID; of compressed layers unpacking will tell. */
function checkLayers(entry: DockerManifestEntry, config: ImageConfig, layers: readonly ArchiveFile[]): void {
  const diffIDs = config.rootfs.diff_ids;
  if (layers.length !== diffIDs.length)
    throw archiveInvalid(
      `${entry.Config} has ${diffIDs.length} diff_ids, manifest.json gives it ${layers.length} layers`,
    );
  layers.forEach((layer, i) => {
    if (layer.compression === 'none' && layer.digest !== diffIDs[i])
      throw archiveInvalid(`the layer ${entry.Layers[i]} is ${layer.digest}, ${entry.Config} says ${diffIDs[i]}`);
  });
}

function describeLayer({ digest, size, compression }: ArchiveFile): Descriptor {
  return { mediaType: layerMediaType(compression), digest, size };
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}
