import type { ImageSource, LayoutPlace } from '../images/types.ts';
import { hostPlatform } from '../oci/index.ts';
import { unknownContext } from './errors.ts';
import { toImageResult } from './image.ts';
import { schemeOf } from './scheme.ts';
import type { Source } from './types.ts';

/** Layouts that a build may read, by the name in `oci-layout://<name>@<digest>`. */
export type LayoutContexts = ReadonlyMap<string, Omit<LayoutPlace, 'name'>>;

/**
 * `oci-layout://<name>@<digest>`: an image of a directory of the user's. It counts by its layers, as any other image does; those that the
 * store lacks are read, verified and unpacked when a step has to run on them.
 */
export function createLayoutSource(images: ImageSource, layouts: LayoutContexts): Source {
  return {
    schemes: ['oci-layout'],
    async resolve({ identifier, platform = hostPlatform() }, { signal }) {
      const { rest } = schemeOf(identifier);
      const at = rest.lastIndexOf('@');
      const place = findLayout(layouts, rest.slice(0, at));
      return toImageResult(
        images,
        await images.resolveLayout({ ...place, reference: rest.slice(at + 1) }, { platform, signal }),
      );
    },
  };
}

/** Throws `CONTEXT_NOT_FOUND`. */
export function findLayout(layouts: LayoutContexts, name: string): LayoutPlace {
  const layout = layouts.get(name);
  if (layout === undefined) throw unknownContext(name, [...layouts.keys()]);
  return { name, ...layout };
}
