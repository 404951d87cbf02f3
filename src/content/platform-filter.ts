import { TsbuildError } from '../errors.ts';
import { type Descriptor, formatPlatform, matchPlatform, type Platform } from '../oci/index.ts';

/**
 * Of an index's manifests, the one that serves each wanted platform best, in the index's order. Throws `PLATFORM_NOT_FOUND`
 * with what there is instead.
 */
export function selectPlatforms(
  index: Descriptor,
  manifests: readonly Descriptor[],
  wanted: readonly Platform[],
): readonly Descriptor[] {
  const chosen = new Set(wanted.map((platform) => bestFor(index, manifests, platform)));
  return manifests.filter((manifest) => chosen.has(manifest));
}

function bestFor(index: Descriptor, manifests: readonly Descriptor[], wanted: Platform): Descriptor {
  let best: Descriptor | undefined;
  let bestScore = 0;
  for (const manifest of manifests) {
    const score = manifest.platform === undefined ? 0 : matchPlatform(wanted, manifest.platform);
    if (score <= bestScore) continue;
    best = manifest;
    bestScore = score;
  }
  if (best === undefined) throw platformNotFound(index, manifests, wanted);
  return best;
}

function platformNotFound(index: Descriptor, manifests: readonly Descriptor[], wanted: Platform): TsbuildError {
  const offered = new Set(
    manifests.flatMap(({ platform }) => (platform === undefined ? [] : formatPlatform(platform))),
  );
  // What BuildKit attaches to an image; nobody can run it.
  offered.delete('unknown/unknown');
  const names = [...offered];
  return new TsbuildError('PLATFORM_NOT_FOUND', `${index.digest} has no image for ${formatPlatform(wanted)}`, {
    hint: names.length === 0 ? 'it names no platform at all' : `it has: ${names.join(', ')}`,
    details: { digest: index.digest, platform: formatPlatform(wanted) },
  });
}
