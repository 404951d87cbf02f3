import type { Readable } from 'node:stream';
import type { Descriptor } from '../oci/index.ts';

/**
 * Small capabilities of a place where images lie (the store, a registry, an OCI layout, an archive), composed by name where
 * needed. `copyGraph` moves a graph of descriptors between any two of them.
 */
export interface Resolver {
  /** Finds what a tag or digest names; throws an error for which `isNotFound` (content/errors.ts) holds when there is none. */
  resolve(reference: string, options?: TransferOptions): Promise<Descriptor>;
}

export interface Fetcher {
  /** A stream of the content from byte `offset`. Whoever reads it verifies it. */
  fetch(descriptor: Descriptor, options?: TransferOptions & { readonly offset?: number }): Promise<Readable>;
}

export interface Pusher {
  /** True where a manifest is there only when everything that it points to is there too, as in a registry. */
  readonly keepsGraphsWhole?: boolean;
  exists(descriptor: Descriptor, options?: TransferOptions): Promise<boolean>;
  /** Writes one blob or manifest, whole and verified. `content` is asked again for each attempt. */
  push(descriptor: Descriptor, content: ReopenableContent, options?: TransferOptions): Promise<void>;
}

/** A target that can take a blob from another of its repositories without a transfer. */
export interface Mounter {
  /** True when mounted. */
  mount(descriptor: Descriptor, fromRepository: string, options?: TransferOptions): Promise<boolean>;
}

export interface Tagger {
  tag(descriptor: Descriptor, tag: string, options?: TransferOptions): Promise<void>;
}

export interface ReopenableContent {
  open(offset?: number): Readable | Promise<Readable>;
}

export interface TransferOptions {
  readonly signal?: AbortSignal;
  /** Bytes of this descriptor so far. */
  readonly onProgress?: (current: number) => void;
}
