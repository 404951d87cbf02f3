import { hash } from 'node:crypto';
import { invalidDigest } from './errors.ts';

/** `<algorithm>:<lower-case hex>` (OCI image-spec, descriptor.md#digests). */
export type Digest = `${string}:${string}`;

const ENCODED_LENGTH: Readonly<Record<string, number>> = { sha256: 64, sha512: 128 };

export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(':');
  const length = ENCODED_LENGTH[text.slice(0, colon)];
  if (colon < 0 || length === undefined) return false;
  const encoded = text.slice(colon + 1);
  return encoded.length === length && /^[0-9a-f]+$/.test(encoded);
}

/** Checks form and algorithm; throws `DIGEST_INVALID`. */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw invalidDigest(text);
  return text;
}

export function digestAlgorithm(digest: Digest): string {
  return digest.slice(0, digest.indexOf(':'));
}

/** The hexadecimal part. */
export function digestEncoded(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

/** sha256 of bytes or of a string's UTF-8. */
export function digestOf(content: Uint8Array | string): Digest {
  return `sha256:${hash('sha256', content, 'hex')}`;
}

/** The first twelve hexadecimal digits, as docker prints an image ID. */
export function shortDigest(digest: Digest): string {
  return digestEncoded(digest).slice(0, 12);
}
