import type { AnnotationSpec } from '../build-types.ts';
import type { ContentStore } from '../content/index.ts';
import type { ImageStore, TaskReporter, Trees } from '../images/types.ts';
import type { TreeResult } from '../llb/results.ts';
import type { NativeApi } from '../native/types.ts';
import type { ContainerConfig, Descriptor, Digest, HistoryEntry, ImageConfig, Platform } from '../oci/index.ts';
import type { Chains } from '../snapshot/chains.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';

/** What a build made, before it is an image: a tree and what its config will say. */
export interface BuiltTree {
  readonly tree: TreeResult;
  readonly config: ContainerConfig;
  /** The base's entries as they were, then one for each instruction; entries without `created` are new. */
  readonly history: readonly HistoryEntry[];
  /** The config that the build started from. */
  readonly baseConfig?: ImageConfig;
  readonly platform: Platform;
  readonly author?: string;
}

/** Where an export finds what it needs, and what was asked of it. */
export interface ExportContext {
  readonly images: ImageStore;
  readonly trees: Trees;
  readonly content: ContentStore;
  readonly snapshotter: Snapshotter;
  readonly chains: Chains;
  readonly native: Pick<NativeApi, 'packLayer' | 'packTree' | 'changeTree'>;
  /** `-t`: familiar or full names; outputs of type `image` add their own. */
  readonly names: readonly string[];
  /** All layers above the base become one. */
  readonly squash?: boolean;
  /** Of every output that is an image; they win over an output's own. */
  readonly annotations?: readonly AnnotationSpec[];
  /** Seconds: no time in the config is later. */
  readonly sourceDateEpoch?: number;
  /** What the image's config is to carry of the cache, for an image of these layers. */
  readonly inlineCache?: (diffIDs: readonly Digest[]) => Promise<string | undefined>;
  /** The descriptor that `dest=-` writes to; default 1. */
  readonly stdoutFd?: number;
  readonly onTask?: TaskReporter;
  readonly signal?: AbortSignal;
}

/** An image's config in the content store; its layers are snapshots, or blobs wherever they lie. */
export interface AssembledImage {
  /** The blobs of layers that are known by their place's word, by diffID. Empty where all was made or unpacked here. */
  readonly listed: ReadonlyMap<Digest, Descriptor>;
  readonly imageID: Digest;
  readonly descriptor: Descriptor;
  readonly config: ImageConfig;
  readonly platform: Platform;
}

export interface ExportResult {
  /** Absent when no output was an image. */
  readonly imageID?: Digest;
  /** A manifest when one was made, else the config. Absent when no output was an image. */
  readonly descriptor?: Descriptor;
  /** Full names that the image was given, in the store or in an archive. */
  readonly names: readonly string[];
  /** Full names that were pushed. */
  readonly pushed: readonly string[];
}
