import type { Descriptor, Digest, ImageConfig, Manifest, Platform } from '../oci/index.ts';

/**
 * The images of a store. A name points to a *target*: a manifest or an index (pulled, loaded, pushed or exported), or
 * only a config — a built image whose layers so far exist as snapshots and are packed into blobs when somebody wants them
 * (`materialize`). The image ID is the config's digest either way, as in docker.
 */
export interface ImageRecord {
  /** Full reference: `docker.io/library/app:1`, or `…@sha256:…` for one pulled by digest. */
  readonly name: string;
  readonly target: Descriptor;
  readonly createdMs: number;
}

/** One platform's image, its metadata at hand; its layers perhaps still in a registry. */
export interface ResolvedImage {
  /** Full reference with digest: `docker.io/library/busybox:1@sha256:…`. */
  readonly reference: string;
  /** What the reference names: a manifest, an index, or a config (see ImageRecord). */
  readonly target: Descriptor;
  /** Absent for a built image that was never materialized. */
  readonly manifest?: { readonly descriptor: Descriptor; readonly content: Manifest };
  readonly configDigest: Digest;
  readonly config: ImageConfig;
  readonly platform: Platform;
}

export interface ResolveOptions {
  readonly platform: Platform;
  /** `missing`: a name that is in the store is not asked for again. `always`: the registry is asked (`--pull`). */
  readonly pull: 'missing' | 'always' | 'never';
  readonly signal?: AbortSignal;
}

/** Reports a layer's download or unpacking: `id` is `sha256:…` or `extracting sha256:…`. */
export type TaskReporter = (id: string, current: number, total: number, completed?: boolean) => void;

/** What a build needs of images; implemented by `createImageStore`. */
export interface ImageSource {
  /** Metadata only: resolves the name, gets manifest and config, no layer. */
  resolve(reference: string, options: ResolveOptions): Promise<ResolvedImage>;
  /**
   * Makes the image's layers available as snapshots, downloading and unpacking what is missing, all in parallel, and
   * gives the name of the topmost one; `undefined` for an image without layers.
   */
  unpack(
    image: ResolvedImage,
    options: { readonly signal?: AbortSignal; readonly onTask?: TaskReporter },
  ): Promise<string | undefined>;
}
