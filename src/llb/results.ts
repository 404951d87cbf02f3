import type { Readable } from 'node:stream';
import type { Descriptor, Digest } from '../oci/index.ts';

/** What an op evaluates to: one file tree, as data. */
export type OpResult = TreeResult | LocalResult;

/** A tree that never changes; not all of it need be here. */
export type TreeResult = SnapshotResult | LayersResult | MergedResult;

/** What can be looked into. */
export type PresentResult = SnapshotResult | LocalResult;

/** A tree in the store. */
export interface SnapshotResult {
  readonly kind: 'snapshot';
  /** The committed snapshot's name; `undefined` is the empty tree. */
  readonly name: string | undefined;
}

/**
 * A tree of which only the layers' names are known: nothing was downloaded. That a blob is the layer of its diffID is the word of
 * whoever listed them, and proved when the tree is unpacked; until then it stands for this tree alone.
 */
export interface LayersResult {
  readonly kind: 'layers';
  /** Bottom first; at least one. */
  readonly layers: readonly KnownLayer[];
  readonly place: LayerPlace;
}

export interface KnownLayer {
  readonly diffID: Digest;
  readonly blob: Descriptor;
  /** When the layer was made, where that is known; milliseconds since 1970. */
  readonly createdMs?: number;
}

/** Where the blobs of layers are. */
export interface LayerPlace {
  /** For messages. */
  readonly name: string;
  /** The repository, for one of a registry that everybody is to ask in the usual way. */
  readonly repository?: { readonly domain: string; readonly path: string };
  /** How to get a blob where that is no such repository. */
  readonly origin?: {
    fetch(
      descriptor: Descriptor,
      options?: { readonly signal?: AbortSignal; readonly offset?: number },
    ): Promise<Readable>;
  };
  /** Of a cache, which the build can do without: it is told why a layer could not be had, and names nothing from there again. */
  readonly onLost?: (why: string) => void;
  /** Shows a transfer, in bytes, with the step that found the layers. */
  readonly onTask?: (id: string, current: number, total: number, completed?: boolean) => void;
}

/** Trees laid one over the other, the lowest first, of which some are not here. */
export interface MergedResult {
  readonly kind: 'merged';
  readonly parts: readonly TreeResult[];
}

/** A directory outside the store, as it is at this moment: it may change under the build, and is never written to. */
export interface LocalResult {
  readonly kind: 'local';
  readonly directory: string;
  /** Compiled patterns (dockerfile/ignore/compile.ts) of what does not exist for the build. */
  readonly ignore?: string;
  /** Where these come from, for messages. */
  readonly ignoreFile?: IgnoreFile;
  /** It was made for this build: owners in it count as in any tree, and nobody changes it. */
  readonly isUnpacked?: boolean;
  /** It is read as git would have checked it out, whatever umask, owners and attributes are on this machine. */
  readonly gitModes?: boolean;
}

/** The patterns of an ignore file as people wrote them. */
export interface IgnoreFile {
  /** As people call it: `.dockerignore`. */
  readonly name: string;
  readonly lines: readonly { readonly pattern: string; readonly line: number }[];
}
