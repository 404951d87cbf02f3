import { fetchContent, openOciLayout } from '../../content/index.ts';
import type { Descriptor, Platform } from '../../oci/index.ts';
import { readTarget } from '../resolve.ts';
import type { LayoutPlace, ResolvedImage } from '../types.ts';

/**
 * `ImageSource.resolveLayout`: reads an image's metadata where it lies, each blob verified by its digest. Nothing is taken into the
 * store before its layers are needed. Throws `OCI_LAYOUT_INVALID`, `CONTENT_NOT_FOUND`, `DIGEST_MISMATCH`, `PLATFORM_NOT_FOUND`.
 */
export async function resolveLayout(
  place: LayoutPlace,
  { platform, signal }: { readonly platform: Platform; readonly signal?: AbortSignal },
): Promise<ResolvedImage> {
  const layout = openOciLayout(place.path);
  const target = await findTarget(layout, place.reference);
  const options = signal === undefined ? {} : { signal };
  const read = (descriptor: Descriptor, maxBytes: number) => fetchContent(layout, descriptor, maxBytes, options);
  const image = await readTarget(`${place.name}@${target.digest}`, target, platform, read);
  return { ...image, origin: layout };
}

/** Without a name the one that is called latest is meant, as BuildKit has it, or the only one. */
async function findTarget(
  layout: ReturnType<typeof openOciLayout>,
  reference: string | undefined,
): Promise<Descriptor> {
  if (reference !== undefined) return strip(await layout.resolve(reference));
  const { manifests } = layout.readIndex();
  return strip(await layout.resolve(manifests.length === 1 ? '' : 'latest'));
}

/** What index.json says around an image is no part of it. */
function strip(listed: Descriptor): Descriptor {
  const { annotations: _, ...descriptor } = listed;
  return descriptor;
}
