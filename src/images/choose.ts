import { type Descriptor, isIndexType, type Platform } from '../oci/index.ts';
import type { ImageContext } from './context.ts';
import { platformNotFound } from './errors.ts';
import { isAttestation, readIndex, selectManifest } from './graph.ts';

/** Of an index, the manifest that serves the platform; anything else is itself. Throws `PLATFORM_NOT_FOUND`. */
export async function choosePlatform(
  context: Pick<ImageContext, 'content'>,
  text: string,
  target: Descriptor,
  platform: Platform,
): Promise<Descriptor> {
  if (!isIndexType(target.mediaType)) return target;
  const { manifests } = await readIndex(context.content, target.digest);
  const chosen = selectManifest(manifests, platform);
  if (chosen !== undefined) return choosePlatform(context, text, chosen, platform);
  const have = manifests.flatMap((child) => (isAttestation(child) ? [] : (child.platform ?? [])));
  throw platformNotFound(text, [platform], have);
}
