import type { MetaResolver, ResolvedImage, ResolveOptions } from '../../dockerfile/convert/types.ts';
import { errorCode } from '../../errors.ts';
import { formatPlatform, MediaType, type Platform } from '../../oci/index.ts';
import { type MissingInput, missingImage } from './missing.ts';

/**
 * Notes the images that `inner` refuses with one of these codes, and gives an empty one in the place of each, so that the conversion comes to
 * all that is missing. What it makes then is not to be built. The others are noted in `known`, by name and platform.
 */
export function createTolerantResolver(
  inner: MetaResolver,
  codes: ReadonlySet<string>,
  note: (missing: MissingInput, code: string) => void,
  known: Map<string, ResolvedImage>,
): MetaResolver {
  return {
    async resolveImageConfig(reference, platform, options) {
      try {
        const found = await inner.resolveImageConfig(reference, platform, options);
        known.set(`${reference} ${formatPlatform(platform)}`, found);
        return found;
      } catch (error) {
        const code = errorCode(error) ?? '';
        if (!codes.has(code)) throw error;
        note(missingImage(reference, platform, options.range), code);
        return placeholder(reference, platform);
      }
    },
    resolveLayoutConfig: (name: string, platform: Platform, options: ResolveOptions) =>
      inner.resolveLayoutConfig(name, platform, options),
  };
}

/** An image of which only the name is known. */
export function placeholder(reference: string, platform: Platform): ResolvedImage {
  const { os, architecture, variant } = platform;
  return {
    digest: NO_DIGEST,
    mediaType: MediaType.ociManifest,
    reference: `${reference}@${NO_DIGEST}`,
    config: {
      os,
      architecture,
      ...(variant === undefined ? {} : { variant }),
      config: {},
      rootfs: { type: 'layers', diff_ids: [] },
      history: [],
    },
  };
}

const NO_DIGEST = `sha256:${'0'.repeat(64)}` as const;
