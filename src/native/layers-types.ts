import type { Digest, RootMount } from '../oci/index.ts';

/** Trees as archives: layers of images, whole trees, and the parts of which cache mounts travel (native/layer). */
export interface LayersApi {
  /** Writes the layer tar that turns `lowers` into `upper`, and hashes it on the way. */
  packLayer(request: PackLayerRequest): Promise<PackLayerResult>;
  /** Writes a whole tree as one tar. */
  packTree(request: PackTreeRequest): Promise<PackTreeResult>;
  /** Unpacks a layer blob into a directory in overlay form (whiteouts become overlay whiteouts), verifying it on the way. */
  unpackLayer(request: UnpackLayerRequest): Promise<UnpackLayerResult>;
  /** Uncompresses a layer blob, and only hashes it. */
  digestLayer(request: DigestLayerRequest): Promise<DigestLayerResult>;
  /** What a plain directory holds of directories, files and symlinks, sorted. `FILE_CHANGED` when it changes too fast. */
  surveyTree(path: string): Promise<SurveyTreeResult>;
  /** Packs some entries of a plain directory: equal entries give equal bytes. `FILE_CHANGED`. */
  packPart(request: PackPartRequest): Promise<PackPartResult>;
  /** Unpacks what `packPart` made, or a stranger says it made. `TAR_TOO_LARGE`, and the codes of archives. */
  unpackPart(request: UnpackPartRequest): Promise<UnpackPartResult>;
}

export interface PackLayerRequest {
  /** The directory that holds the changes, in overlay form. */
  readonly upper: string;
  /** Further such directories, which `upper` stands on, topmost first: with it they become one layer. */
  readonly moreUppers?: readonly string[];
  /** What they stand on, topmost first: to tell changed from merely copied up. */
  readonly lowers: readonly string[];
  readonly compression: 'none' | 'gzip' | 'zstd';
  readonly level?: number;
  /** Where the (compressed) blob is written; absent: only hashed. */
  readonly output?: string;
  /** Clamp every mtime to this many seconds since the epoch. */
  readonly sourceDateEpoch?: number;
}

export interface PackLayerResult {
  readonly diffID: Digest;
  /** Bytes of the uncompressed tar. */
  readonly diffSize: number;
  /** Bytes of its files, each once whatever its number of names, and of its symlinks' targets. */
  readonly contentSize: number;
  /** Of the blob as written; equal to diffID and diffSize for `none`. */
  readonly digest: Digest;
  readonly size: number;
  /** 0: the layer is empty. */
  readonly entries: number;
}

export interface PackTreeRequest {
  readonly root: RootMount;
  /** An open descriptor that the tar is written to; stays open. */
  readonly outputFd: number;
}

export interface PackTreeResult {
  readonly size: number;
  readonly entries: number;
}

/** Columns: the nth of each belongs to the nth entry; parents come before what is in them. */
export interface SurveyTreeResult {
  /** Bytes as the file system has them, from the tree's root, each path ended by a zero byte. */
  readonly paths: Buffer;
  /** One letter each: f file, d directory, l symlink. */
  readonly types: string;
  /** Bytes of files and of symlinks' targets, 0 of directories. */
  readonly sizes: Float64Array;
  /** Eight bytes each, of everything that stat(2) says of the entry and that a change of it would change. */
  readonly stamps: Buffer;
  /** Of the path alone: 32 bits, evenly spread. */
  readonly hashes: Float64Array;
  /** The later of the times of access and of change, in milliseconds. */
  readonly usedMs: Float64Array;
  /** Of a file with several names: which entry is the first of them. -1 for all others. */
  readonly firsts: Float64Array;
  /** How many devices, fifos and sockets there are. */
  readonly leftOut: number;
  /** When something was last changed, by the kernel's clock. */
  readonly changedMs: number;
}

export interface PackPartRequest {
  readonly root: string;
  /** As `surveyTree` gives them, in its order. */
  readonly paths: Buffer;
  /** Makes all of them hardlinks: for each path another name of the file. */
  readonly targets?: Buffer;
  /** Where the tar.zst is written; absent: only hashed. */
  readonly output?: string;
}

export interface PackPartResult {
  readonly digest: Digest;
  readonly size: number;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  readonly entries: number;
  /** Digest of the entries' stamps as they were then. */
  readonly fingerprint: Digest;
}

export interface UnpackPartRequest {
  /** Path of the tar.zst. */
  readonly blob: string;
  /** A directory; what is in it stays. */
  readonly target: string;
  /** How many the tar may have. */
  readonly maxBytes: number;
  readonly maxEntries: number;
}

export interface UnpackPartResult {
  readonly entries: number;
  /** Of files and symlinks' targets. */
  readonly bytes: number;
}

export interface DigestLayerRequest {
  /** Path of the blob. */
  readonly blob: string;
  readonly compression: 'none' | 'gzip' | 'zstd';
  /** Refuse when it is something else: `DIFFID_MISMATCH`. */
  readonly expectedDiffID?: Digest;
}

export interface DigestLayerResult {
  readonly diffID: Digest;
  readonly diffSize: number;
}

export interface UnpackLayerRequest {
  /** Path of the blob. */
  readonly blob: string;
  /** By media type; `auto` looks at the first bytes. */
  readonly compression: 'none' | 'gzip' | 'zstd' | 'auto';
  /** An empty directory that takes the layer alone, without what it stands on. */
  readonly target: string;
  /** Trees that the layer stands on, topmost first, for what the layer leaves unsaid: the mode of directories that it names only
   * as parents, hardlinks into lower layers, parents that are symlinks below. Absent when they are not unpacked yet. */
  readonly lowers?: readonly string[];
  /** Refuse when the uncompressed bytes hash to something else. */
  readonly expectedDiffID?: Digest;
}

export interface UnpackLayerResult {
  readonly diffID: Digest;
  readonly diffSize: number;
  /** As packLayer's; not the whole where `needsLowers`. */
  readonly contentSize: number;
  readonly entries: number;
  /**
   * True when the layer leans on what is below it (parents it does not name, hardlinks to lower files) and `lowers` was absent: call
   * unpack again into a fresh directory, with lowers.
   */
  readonly needsLowers: boolean;
  /** The layer says what its root directory is like; otherwise that is as below it. */
  readonly hasRoot: boolean;
}
