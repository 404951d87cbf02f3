import type { PullPolicy } from '../build-types.ts';
import type { MetaResolver, ResolvedImage } from '../dockerfile/convert/types.ts';
import { TsbuildError } from '../errors.ts';
import type { ResolvedImage as FoundImage, ImageSource } from '../images/types.ts';
import { lockUnavailable, type Pins } from '../lockfile/index.ts';
import { formatPlatform } from '../oci/index.ts';
import { findLayout, type LayoutContexts } from './oci-layout.ts';

export interface MetaResolverOptions {
  readonly images: ImageSource;
  readonly layouts: LayoutContexts;
  readonly pull: PullPolicy;
  /** Of a lock file: names that are not looked up. */
  readonly pins?: Pins | undefined;
  /** Shows the look-up as a step of the build. */
  readonly runPhase: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/**
 * Resolves base images for the conversion of a Dockerfile. A name is asked for once a build: all stages see the same image. What a lock file
 * pins is got by its digest.
 */
export function createMetaResolver({ images, layouts, pull, pins, runPhase }: MetaResolverOptions): MetaResolver {
  const known = new Map<string, Promise<ResolvedImage>>();
  const show = (key: string, title: string, lookUp: () => Promise<FoundImage>): Promise<ResolvedImage> => {
    const answer =
      known.get(key) ??
      runPhase(title, async () => {
        const { target, reference, config } = await lookUp();
        return { digest: target.digest, mediaType: target.mediaType, reference, config };
      });
    known.set(key, answer);
    return answer;
  };
  return {
    resolveImageConfig(reference, platform, { logName, signal }) {
      const options = { platform, ...(signal === undefined ? {} : { signal }) };
      return show(`${reference} ${formatPlatform(platform)}`, logName, async () => {
        const pin = reference.includes('@') ? undefined : pins?.image(reference);
        if (pin === undefined) return await images.resolve(reference, { ...options, pull });
        const locked = { ...options, pull: pull === 'never' ? 'never' : 'missing' } as const;
        return await images.resolve(`${reference}@${pin.digest}`, locked).catch((error: unknown) => {
          const isGone = error instanceof TsbuildError && GONE.has(error.code);
          throw isGone ? lockUnavailable(reference, pin.digest, error) : error;
        });
      });
    },
    resolveLayoutConfig(name, platform, { logName, signal }) {
      const options = { platform, ...(signal === undefined ? {} : { signal }) };
      return show(`oci-layout://${name} ${formatPlatform(platform)}`, logName, async () =>
        images.resolveLayout(findLayout(layouts, name), options),
      );
    },
  };
}

/** A registry does not have it, or not any more. */
const GONE = new Set(['MANIFEST_UNKNOWN', 'NAME_UNKNOWN']);
