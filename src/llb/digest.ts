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

/** JSON with the keys of every object in code unit order, members that are `undefined` left out. */
export function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members: string[] = [];
  for (const key of Object.keys(value).sort()) {
    const member: unknown = value[key as keyof typeof value];
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}
