import { randomUUID } from 'node:crypto';
import { type Digest, digestOf } from '../oci/index.ts';
import type { Identity } from './node.ts';
import type { CacheDep, CacheMap } from './types.ts';

/** What one input adds to a key: its own identity, or the content that is read of it. */
export type KeyPart =
  | { readonly identity: Identity; readonly index: number; readonly selector: Digest | undefined }
  | { readonly content: Digest };

/** Stands for "all of it" where a content digest is remembered for a dep without a selector. */
const WHOLE = digestOf('');

export function selectorOf(dep: CacheDep<never>): Digest {
  return dep.selector ?? WHOLE;
}

/** The identity of a vertex from its cache map and its inputs' parts, in order. */
export function combineIdentity(map: CacheMap<never>, parts: readonly KeyPart[], ignoreCache: boolean): Identity {
  const below = parts.filter((part) => 'identity' in part).map((part) => part.identity);
  const volatile = map.cacheable === false || below.some((identity) => identity.volatile);
  const fields = parts.map((part) =>
    'content' in part
      ? ['content', part.content]
      : ['result', part.identity.digest, part.index, ...(part.selector === undefined ? [] : [part.selector])],
  );
  return {
    digest: digestOf(JSON.stringify([map.digest, fields, ...(volatile ? [randomUUID()] : [])])),
    volatile,
    refresh: ignoreCache || below.some((identity) => identity.refresh),
  };
}
