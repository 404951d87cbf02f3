import { type Digest, digestOf } from '../oci/index.ts';

/** What BuildKit digests of an op, before it is written as JSON. */
export type Form = { readonly [member: string]: unknown };

/**
 * JSON as Go's encoding/json writes it: members in the order given, `<`, `>`, `&` and the two line separators of Unicode escaped.
 * Members that are `undefined` are left out.
 */
export function goJson(form: Form): string {
  return JSON.stringify(form).replace(
    /[<>&\u2028\u2029]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** As `omitempty` does: nothing for an empty string, list, zero and `false`. */
export function given<T extends string | number | boolean | readonly unknown[]>(value: T): T | undefined {
  return value === '' || value === 0 || value === false || (Array.isArray(value) && value.length === 0)
    ? undefined
    : value;
}

/** The digest of a record: of an op's form and the number of its output (solver/cachemanager.go, rootKey). */
export function recordDigest(digest: Digest, output: number): Digest {
  return digestOf(`${digest}@${output}`);
}

/** The record that is nothing but content, given the digests of the parts that were read. */
export function contentRecord(parts: readonly Digest[]): Digest {
  return recordDigest(digestOf(parts.join('\0')), -1);
}
