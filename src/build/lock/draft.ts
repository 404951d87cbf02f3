import type { GitPin, ImagePin, UrlPin } from '../../lockfile/index.ts';
import type { Platform } from '../../oci/index.ts';

/** A lock file while it is made. */
export interface LockDraft {
  readonly images: Map<string, ImagePin>;
  readonly urls: Map<string, UrlPin>;
  readonly git: Map<string, GitPin>;
  /** Every image that was looked at, those with a digest of their own too, by its exact name. */
  readonly seen: Map<string, { readonly reference: string; readonly platform: Platform }>;
}

export function createDraft(): LockDraft {
  return { images: new Map(), urls: new Map(), git: new Map(), seen: new Map() };
}
