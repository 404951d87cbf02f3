import { IMAGE_NAME_ANNOTATION, REF_NAME_ANNOTATION } from '../../content/index.ts';
import {
  childrenOf,
  type Descriptor,
  type Digest,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  parseIndex,
  parseManifest,
} from '../../oci/index.ts';
import { archiveInvalid } from '../errors.ts';
import { fullName } from '../names/names.ts';
import type { ArchiveImage } from '../types.ts';
import type { ArchiveFiles } from './files.ts';
import { readDockerManifest } from './load-docker.ts';

/** The images of an OCI layout in an archive; names come from annotations, or from docker's manifest.json beside it. */
export async function takeLayoutImages(files: ArchiveFiles): Promise<readonly ArchiveImage[]> {
  const { manifests } = parseIndex(await files.read('index.json', MAX_MANIFEST_BYTES), 'index.json');
  if (manifests.length === 0) throw archiveInvalid('its index.json names no image');
  const dockerNames = await readDockerNames(files);
  const images = new Map<Digest, { descriptor: Descriptor; names: Set<string> }>();
  for (const listed of manifests) {
    if (!isManifestType(listed.mediaType) && !isIndexType(listed.mediaType))
      throw archiveInvalid(`index.json: ${listed.digest} is a ${listed.mediaType}, expected a manifest or an index`);
    const { annotations: _, ...descriptor } = listed;
    const image = images.get(listed.digest) ?? { descriptor, names: new Set() };
    for (const name of await namesOf(files, listed, dockerNames)) image.names.add(fullName(name));
    images.set(listed.digest, image);
  }
  const taken = new Set<Digest>();
  for (const { descriptor } of images.values()) await takeGraph(files, descriptor, taken, 0);
  return [...images.values()].map(({ descriptor, names }) => ({ descriptor, names: [...names] }));
}

/** Config path's digest -> names, where the archive is docker's too. */
async function readDockerNames(files: ArchiveFiles): Promise<ReadonlyMap<Digest, readonly string[]>> {
  if (!files.has('manifest.json')) return new Map();
  const entries = await readDockerManifest(files);
  return new Map(entries.map(({ Config, RepoTags }) => [files.require(Config).digest, RepoTags]));
}

async function namesOf(
  files: ArchiveFiles,
  listed: Descriptor,
  dockerNames: ReadonlyMap<Digest, readonly string[]>,
): Promise<readonly string[]> {
  const annotated = listed.annotations?.[IMAGE_NAME_ANNOTATION];
  if (annotated !== undefined) return [annotated];
  if (isManifestType(listed.mediaType) && dockerNames.size > 0) {
    const path = blobPath(listed.digest);
    const { config } = parseManifest(await files.read(path, MAX_MANIFEST_BYTES), path);
    const names = dockerNames.get(config.digest);
    if (names !== undefined) return names;
  }
  const ref = listed.annotations?.[REF_NAME_ANNOTATION];
  return ref !== undefined && isName(ref) ? [ref] : [];
}

/** A ref.name may be a whole name or a tag alone; what looks like a version is taken for a tag, and names nothing. */
function isName(ref: string): boolean {
  return /[:/]/.test(ref) || !/^(?:latest|v?\d.*)$/.test(ref);
}

const MAX_DEPTH = 4;

/** Takes a manifest or index and all that it reaches into the store. An index may name manifests that the archive lacks. */
async function takeGraph(
  files: ArchiveFiles,
  descriptor: Descriptor,
  taken: Set<Digest>,
  depth: number,
): Promise<void> {
  if (taken.has(descriptor.digest)) return;
  taken.add(descriptor.digest);
  if (depth > MAX_DEPTH) throw archiveInvalid(`${descriptor.digest}: indexes are nested too deep`);
  const file = files.require(blobPath(descriptor.digest));
  if (file.digest !== descriptor.digest || file.size !== descriptor.size)
    throw archiveInvalid(`${descriptor.digest} should have ${descriptor.size} bytes, it has ${file.size}`);
  if (isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType)) {
    const bytes = await files.read(blobPath(descriptor.digest), MAX_MANIFEST_BYTES);
    const children = childrenOf(descriptor, bytes);
    const mayLack = isIndexType(descriptor.mediaType) && children.some(({ digest }) => files.has(blobPath(digest)));
    for (const child of children)
      if (!mayLack || files.has(blobPath(child.digest))) await takeGraph(files, child, taken, depth + 1);
  }
  await files.adopt(file);
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}
