import { randomUUID } from 'node:crypto';
import { type Digest, digestOf } from '../oci/index.ts';
import type { CacheDep, CacheMap, InputKey, Vertex, VertexKeys } from './types.ts';

/** Under which key a result lies. */
export interface Identity {
  readonly digest: Digest;
  /** Unique to this solve: no record may be read or written under it. */
  readonly volatile: boolean;
  /** It, or something that it stands on, is to run again. */
  readonly refresh: boolean;
  /** What it was made of; absent for one that a definition's record named. */
  readonly parts?: readonly KeyPart[];
}

/** What one input adds to a key: its own identity, or the content that is read of it. */
export interface KeyPart {
  readonly identity: Identity;
  readonly index: number;
  readonly selector: Digest | undefined;
  readonly content?: Digest;
}

/** The key of which all is known before anything runs. */
export interface Definition {
  readonly digest: Digest;
  /** No record may be read or written under it. */
  readonly volatile: boolean;
  /** Something below is to run again, also where only its content is read: no record of it is believed. */
  readonly refresh: boolean;
  /** It stands on contents that only inputs which were made can tell. Without any, the identity is always known. */
  readonly isOpen: boolean;
}

/** What one input adds to a definition. */
export type DefinitionPart =
  | { readonly content: Digest }
  | {
      readonly definition: Definition;
      readonly index: number;
      readonly selector: Digest | undefined;
      readonly isRead: boolean;
    };

/** Stands for "all of it" where a content digest is remembered for a dep without a selector. */
const WHOLE = digestOf('');

export function selectorOf(dep: CacheDep<never>): Digest {
  return dep.selector ?? WHOLE;
}

/** The identity of a vertex from its cache map and its inputs' parts, in order. */
export function combineIdentity(map: CacheMap<never>, parts: readonly KeyPart[], ignoreCache: boolean): Identity {
  let volatile = map.cacheable === false;
  let refresh = ignoreCache;
  const fields = parts.map(({ identity, index, selector, content }) => {
    if (content !== undefined) return ['content', content];
    volatile ||= identity.volatile;
    refresh ||= identity.refresh;
    return ['result', identity.digest, index, ...(selector === undefined ? [] : [selector])];
  });
  const digest = digestOf(JSON.stringify([map.digest, fields, ...(volatile ? [randomUUID()] : [])]));
  return { digest, volatile, refresh, parts };
}

/**
 * @param identity where it is known, and certain to be known each time: then the definition needs no other key
 */
export function combineDefinition(
  map: CacheMap<never>,
  parts: readonly DefinitionPart[],
  ignoreCache: boolean,
  identity: Identity | undefined,
): Definition {
  let volatile = map.cacheable === false;
  let refresh = ignoreCache;
  let isOpen = false;
  for (const part of parts) {
    if (!('definition' in part)) continue;
    volatile ||= part.definition.volatile;
    refresh ||= part.definition.refresh;
    isOpen ||= part.isRead || part.definition.isOpen;
  }
  if (!isOpen && identity !== undefined) return { digest: identity.digest, volatile, refresh, isOpen };
  const fields = parts.map((part) =>
    'content' in part
      ? ['content', part.content]
      : [part.isRead ? 'read' : 'result', part.definition.digest, part.index, part.selector ?? ''],
  );
  return { digest: digestOf(JSON.stringify(['definition', map.digest, fields])), volatile, refresh, isOpen };
}

/** Of a result that others made, and that no content of its inputs is known for. */
export function identityOfDefinition({ digest }: Definition): Identity {
  return { digest: digestOf(`result of ${digest}`), volatile: false, refresh: false };
}

/** What observers are told. */
export function describeKeys<R>(
  vertex: Vertex<R>,
  map: CacheMap<never>,
  identity: Pick<Identity, 'digest' | 'volatile' | 'refresh'>,
  parts: readonly { readonly identity: Digest; readonly content?: Digest | undefined }[],
): VertexKeys {
  const { digest, refresh, volatile } = identity;
  const inputs = vertex.inputs.map((input, i): InputKey => {
    const { selector } = map.deps[i] ?? {};
    const { identity: below = digest, content } = parts[i] ?? {};
    return {
      vertex: input.vertex.digest,
      index: input.index,
      identity: below,
      ...(selector === undefined ? {} : { selector }),
      ...(content === undefined ? {} : { content }),
    };
  });
  return { identity: digest, map: map.digest, inputs, refresh, volatile };
}
