import type { Digest } from '../oci/index.ts';

/** What a `Dockerfile.lock` says: every remote input that the Dockerfile names without pinning it itself. */
export interface Lockfile {
  /** Of the syntax line; the built-in frontend serves it, so it is noted only. */
  readonly syntax?: string;
  /** The stage that was locked; all of them when absent. */
  readonly target?: string;
  /** Build arguments that decide what is named. */
  readonly args: ReadonlyMap<string, string>;
  /** What it was made for, `os/arch[/variant]`. */
  readonly platforms: readonly string[];
  /** By full reference: `docker.io/library/debian:12`. */
  readonly images: ReadonlyMap<string, ImagePin>;
  /** By URL, without credentials. */
  readonly urls: ReadonlyMap<string, UrlPin>;
  /** By the URL of a repository without credentials, and `#<ref>` where it names one. */
  readonly git: ReadonlyMap<string, GitPin>;
}

export interface ImagePin {
  /** Of the index, which is the same for all platforms, or of the manifest where there is none. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** Those of the lock's that it was seen to have. */
  readonly platforms: readonly string[];
}

export interface UrlPin {
  readonly digest: Digest;
  /** In bytes. */
  readonly size?: number;
  readonly etag?: string;
  /** Seconds since the epoch: the file's time in the tree, and so a part of what a step sees. */
  readonly lastModified?: number;
}

export interface GitPin {
  readonly commit: string;
  /** The whole name, `refs/heads/main`. */
  readonly ref?: string;
  /** The annotated tag that leads to the commit. */
  readonly tag?: string;
}

/** What remote inputs are taken to be, whatever a registry or a server says now; `undefined`: it is to be asked. */
export interface Pins {
  /** `reference` is full and has a tag. Throws `LOCK_MISSING` where everything must be pinned. */
  image(reference: string): ImagePin | undefined;
  /** `url` as written. Throws `LOCK_MISSING`. */
  url(url: string): UrlPin | undefined;
  /** `remote` as git is called with it. Throws `LOCK_MISSING`. */
  git(remote: string, ref: string | undefined): GitPin | undefined;
}
