import { hasWildcard } from '../../text.ts';
import { resolvePath } from '../paths.ts';

/** What a source of `COPY --parents` means: a directory, and what of it is copied with the directories above it. */
export interface ParentsSource {
  /** Absolute; what is above it is not made again. */
  readonly src: string;
  /** Patterns relative to `src`; none for all of it. */
  readonly includePatterns: readonly string[];
  /** Has to be there; `undefined` where patterns may match nothing. */
  readonly requiredPath: string | undefined;
}

const PIVOT = '/./';

/** Splits a source at its pivot, the first `/./`; without one everything from the root on is made again. */
export function splitParents(path: string): ParentsSource {
  const pivot = path.indexOf(PIVOT);
  const above = pivot < 0 ? '/' : path.slice(0, pivot);
  const below = pivot < 0 ? path : path.slice(pivot + PIVOT.length);
  const pattern = resolvePath('/', below).slice(1);
  const src = resolvePath('/', above);
  return {
    src,
    includePatterns: pattern === '' ? [] : [pattern],
    requiredPath: hasWildcard(above) || hasWildcard(pattern) ? undefined : resolvePath(src, pattern),
  };
}
