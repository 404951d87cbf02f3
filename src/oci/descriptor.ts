import { type Digest, digestOf } from './digest.ts';
import type { Platform } from './platform.ts';

/** OCI image-spec descriptor.md. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes as stored. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
  readonly artifactType?: string;
  /** Base64 of the content itself. */
  readonly data?: string;
}

/** A descriptor for bytes in hand. */
export function describe(mediaType: string, content: Uint8Array): Descriptor {
  return { mediaType, digest: digestOf(content), size: content.byteLength };
}
