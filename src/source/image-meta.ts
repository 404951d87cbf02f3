import type { MetaResolver, ResolvedImage } from '../dockerfile/convert/types.ts';
import type { ImageSource } from '../images/types.ts';
import { formatPlatform } from '../oci/index.ts';

export interface MetaResolverOptions {
  readonly images: ImageSource;
  /** `always`: ask the registry even for a name that the store has (`--pull`). */
  readonly pull: 'missing' | 'always' | 'never';
  /** Shows the look-up as a step of the build. */
  readonly runPhase: <T>(name: string, work: () => Promise<T>) => Promise<T>;
}

/** Resolves base images for the conversion of a Dockerfile. A name is asked for once a build: all stages see the same image. */
export function createMetaResolver({ images, pull, runPhase }: MetaResolverOptions): MetaResolver {
  const known = new Map<string, Promise<ResolvedImage>>();
  return {
    resolveImageConfig(reference, platform, { logName, signal }) {
      const key = `${reference} ${formatPlatform(platform)}`;
      const earlier = known.get(key);
      if (earlier !== undefined) return earlier;
      const lookUp = async (): Promise<ResolvedImage> => {
        const image = await images.resolve(reference, { platform, pull, ...(signal === undefined ? {} : { signal }) });
        return { digest: image.target.digest, reference: image.reference, config: image.config };
      };
      const answer = runPhase(logName, lookUp);
      known.set(key, answer);
      return answer;
    },
  };
}
