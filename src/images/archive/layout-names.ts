import { IMAGE_NAME_ANNOTATION, REF_NAME_ANNOTATION } from '../../content/index.ts';
import { parseName, showName } from '../names/names.ts';
import type { ArchiveImage } from '../types.ts';

/**
 * How a name is written into the index of a layout or archive that holds `images`. Readers find an image by its ref.name: the tag,
 * as docker writes it, where no other image there has the same; else the whole name.
 */
export function nameForLayout(
  name: string,
  images: readonly ArchiveImage[],
): { readonly ref: string; readonly annotations: Readonly<Record<string, string>> } {
  const tag = parseName(name)?.tag;
  const sameTag = images.flatMap(({ names }) => names).filter((other) => parseName(other)?.tag === tag);
  const ref = tag !== undefined && sameTag.length === 1 ? tag : showName(name);
  return { ref, annotations: { [IMAGE_NAME_ANNOTATION]: name, [REF_NAME_ANNOTATION]: ref } };
}
