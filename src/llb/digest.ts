import { type Digest, digestOf } from '../oci/index.ts';
import type { Op } from './ops.ts';

/**
 * The identity of an op: the digest of its canonical bytes, JSON with sorted keys and without absent members. Proxy
 * variables are left out: they must not decide what is cached.
 */
export function digestOp(op: Op): Digest {
  if (op.type !== 'exec' || op.meta.proxyEnv === undefined) return digestOf(canonicalJson(op));
  const { proxyEnv: _, ...meta } = op.meta;
  return digestOf(canonicalJson({ ...op, meta }));
}

/** JSON with the keys of every object in code unit order. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
