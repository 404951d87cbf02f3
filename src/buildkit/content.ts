import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { compilePatterns } from '../dockerfile/ignore/index.ts';
import type { PresentResult } from '../llb/results.ts';
import { isNativeError } from '../native/errors.ts';
import type { HashContentRequest, HashContentResult } from '../native/types.ts';
import { type Digest, digestEncoded, digestOf } from '../oci/index.ts';
import { contentRecord } from './form.ts';
import type { PartSelection } from './selections.ts';
import type { BuildKitKeysDependencies } from './types.ts';

/** The record digest of parts of a tree; `undefined` when one of them is not there, or cannot be read: the step itself tells why. */
export type DigestContent = (
  tree: PresentResult,
  parts: readonly PartSelection[],
  signal: AbortSignal,
) => Promise<Digest | undefined>;

const UNREADABLE: Pick<HashContentResult, 'digests'> = { digests: [''] };

export function createDigestContent({
  hashContent,
  view,
  statCacheDirectory,
}: Pick<BuildKitKeysDependencies, 'hashContent' | 'view' | 'statCacheDirectory'>): DigestContent {
  const describe = (tree: PresentResult): Omit<HashContentRequest, 'selections'> => {
    if (tree.kind === 'snapshot')
      return { root: tree.name === undefined ? { lowers: [] } : view(tree.name), local: false };
    const { directory, ignore = '', isUnpacked = false, gitModes = false } = tree;
    const request = { root: { lowers: [directory] }, ignore, local: !isUnpacked || gitModes, gitModes };
    if (isUnpacked) return request;
    mkdirSync(statCacheDirectory, { recursive: true });
    // These digests have modes in them, which are others where git's count.
    const kind = gitModes ? 'buildkit-git' : 'buildkit';
    return { ...request, statCachePath: join(statCacheDirectory, `${digestEncoded(digestOf(directory))}.${kind}`) };
  };
  return async (tree, parts, signal) => {
    const selections = parts.map(({ path, wildcard, followSymlinks, includePatterns, excludePatterns }) => ({
      path,
      wildcard,
      followSymlinks,
      include: compilePatterns(includePatterns),
      exclude: compilePatterns(excludePatterns),
    }));
    const { digests } = await hashContent({ ...describe(tree), selections }, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      if (isNativeError(error)) return UNREADABLE;
      throw error;
    });
    const found = digests.filter((digest) => digest !== '');
    return found.length === digests.length ? contentRecord(found) : undefined;
  };
}
