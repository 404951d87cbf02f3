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
  // A sorted copy, since a replacer function is called for each member and costs more than all else.
  return JSON.stringify(sortMembers(value));
}

function sortMembers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sortMembers);
  if ('toJSON' in value && typeof value.toJSON === 'function') return sortMembers(value.toJSON());
  const sorted: Record<string, unknown> = {};
  for (const key of sortKeys(Object.keys(value))) {
    const member = sortMembers(value[key as keyof typeof value]);
    // Assigned to, it would not be a key like others.
    if (key === '__proto__') Object.defineProperty(sorted, key, { value: member, enumerable: true });
    else sorted[key] = member;
  }
  return sorted;
}

/** In place. Few keys are moved by hand: to sort them, Array allocates more than the whole op takes. */
function sortKeys(keys: string[]): string[] {
  if (keys.length > MAX_MOVED) return keys.sort();
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string;
    let at = end;
    for (; at > 0 && key < (keys[at - 1] as string); at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

const MAX_MOVED = 32;
