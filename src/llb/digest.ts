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

/** JSON with the keys of every object in one order, members that are `undefined` left out. Keys that are numbers come first. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, sortMembers);
}

function sortMembers(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  // Without a prototype, so that `__proto__` is a key like others.
  const sorted = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(value).sort()) sorted[key] = value[key as keyof typeof value];
  return sorted;
}
