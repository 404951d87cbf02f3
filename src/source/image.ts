import type { ImageSource, ResolvedImage } from '../images/types.ts';
import { chainIDs, digestOf, hostPlatform } from '../oci/index.ts';
import { schemeOf } from './scheme.ts';
import type { ResolvedSource, Source } from './types.ts';

/**
 * `docker-image://<reference>`: an image of the store or of a registry. Its layers are its identity, so one tree under many
 * names, or with another config, is one result; they are downloaded and unpacked only when a step looks into
 * them.
 */
export function createImageSource(images: ImageSource): Source {
  return {
    schemes: ['docker-image'],
    async resolve({ identifier, platform = hostPlatform() }, { signal }) {
      // The reference carries the digest that the name had when the build began: nothing newer is to be looked for.
      const image = await images.resolve(schemeOf(identifier).rest, { platform, pull: 'missing', signal });
      return toImageResult(images, image);
    },
  };
}

/** An image as a tree, wherever it was found. */
export function toImageResult(images: ImageSource, image: ResolvedImage): ResolvedSource {
  const chainID = chainIDs(image.config.rootfs.diff_ids).at(-1);
  return {
    digest: digestOf(`layers ${chainID ?? ''}`),
    cacheable: true,
    fetch: (options) => images.treeOf(image, options),
    isHere: async () => images.hasLayers(image),
  };
}
