import { type Digest, digestOf } from '../oci/index.ts';
import type { Op } from './ops.ts';

/**
 * The identity of an op: the digest of its canonical bytes, JSON with sorted keys and without absent members. The environment
 * is in it by its own digest. Proxy variables are left out: they must not decide what is cached.
 */
export function digestOp(op: Op): Digest {
  if (op.type !== 'exec') return digestOf(canonicalJson(op));
  const { proxyEnv: _, env, ...meta } = op.meta;
  return digestOf(canonicalJson({ ...op, meta: { ...meta, env: env.digest } }));
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
