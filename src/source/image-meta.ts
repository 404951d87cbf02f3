import type { MetaResolver, ResolvedImage } from '../dockerfile/convert/types.ts';
import type { ResolvedImage as FoundImage, ImageSource } from '../images/types.ts';
import { formatPlatform } from '../oci/index.ts';
import { findLayout, type LayoutContexts } from './oci-layout.ts';

export interface MetaResolverOptions {
  readonly images: ImageSource;
  readonly layouts: LayoutContexts;
  /** `always`: ask the registry even for a name that the store has (`--pull`). */
  readonly pull: 'missing' | 'always' | 'never';
  /** Shows the look-up as a step of the build. */
  readonly runPhase: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** Resolves base images for the conversion of a Dockerfile. A name is asked for once a build: all stages see the same image. */
export function createMetaResolver({ images, layouts, pull, runPhase }: MetaResolverOptions): MetaResolver {
  const known = new Map<string, Promise<ResolvedImage>>();
  const show = (key: string, title: string, lookUp: () => Promise<FoundImage>): Promise<ResolvedImage> => {
    const answer =
      known.get(key) ??
      runPhase(title, async () => {
        const { target, reference, config } = await lookUp();
        return { digest: target.digest, reference, config };
      });
    known.set(key, answer);
    return answer;
  };
  return {
    resolveImageConfig(reference, platform, { logName, signal }) {
      const options = { platform, ...(signal === undefined ? {} : { signal }) };
      return show(`${reference} ${formatPlatform(platform)}`, logName, () =>
        images.resolve(reference, { ...options, pull }),
      );
    },
    resolveLayoutConfig(name, platform, { logName, signal }) {
      const options = { platform, ...(signal === undefined ? {} : { signal }) };
      return show(`oci-layout://${name} ${formatPlatform(platform)}`, logName, async () =>
        images.resolveLayout(findLayout(layouts, name), options),
      );
    },
  };
}
