import type { Op, SourceOp } from '../llb/ops.ts';
import type { PresentResult } from '../llb/results.ts';
import type { HashContentRequest, HashContentResult } from '../native/types.ts';
import type { Digest, RootMount } from '../oci/index.ts';

/**
 * The names under which BuildKit's exported cache has the work of an op: `records[].digest` of a config blob
 * `application/vnd.buildkit.cacheconfig.v0`.
 *
 * A record stands for one output of one op. `records[r].inputs[i]` are the alternatives for the op's input `i` (numbers of BuildKit,
 * not ours: see `BuildKitDep.input`), any of which is enough, and for each input there has to be one:
 * - `{selector, link}` to a record of what made the input (`BuildKitDep.selector` with the input's own `outputs`);
 * - `{link}` without a selector to a record that is nothing but the content that was read of it (`contentDigest`): such a record has no
 *   inputs and no results.
 *
 * Equal digests and links mean equal work. Where BuildKit's form of an op is not known here, no record is found by its key: a miss, never
 * a wrong hit.
 */
export interface BuildKitKeys {
  /**
   * Looks at nothing but the op itself, but for an image, whose config is asked for, and a repository, whose commit is. The same op gives
   * the same answer.
   */
  keyOf(op: Op, signal: AbortSignal): Promise<BuildKitKey>;
}

export interface BuildKitKey {
  /**
   * Record digests by output: for each, those under which it may be found, any of which says the same. More than one only for images
   * (by manifest, by layers; the first is the one that all versions know). Empty for a source that has no record and counts by what
   * is read of it alone: a local directory, a download without a checksum.
   */
  readonly outputs: readonly (readonly Digest[])[];
  /** One for each `inputs[i]` of the record, in BuildKit's order. Empty for a source, and for a file op on nothing. */
  readonly deps: readonly BuildKitDep[];
}

export interface BuildKitDep {
  /** Which of our op's inputs it is; -1 for one that only BuildKit has, and which `fixed` stands for. */
  readonly input: number;
  /** For the links to records of what made the input; empty when there is nothing to tell apart. */
  readonly selector: Digest | '';
  /**
   * The record digest of what is read of the input's tree, for a link without a selector; `undefined` when not all of it is there.
   * Absent where BuildKit looks at no content: then only what made the input tells it from another.
   */
  readonly contentDigest?: (tree: PresentResult, signal: AbortSignal) => Promise<Digest | undefined>;
  /** Record digests that are known beforehand, with `input` -1: of what makes the input, and of what is read of it. */
  readonly fixed?: { readonly record: Digest; readonly content: Digest };
  /**
   * The record digest of a step that only BuildKit has between the input and the op: it changes the input, to which it is linked without
   * a selector, and is itself what the op's `selector` is about.
   */
  readonly step?: Digest;
}

/** What the tree of a repository is. */
export interface GitCommit {
  /** In full. */
  readonly commit: string;
  /** The ref that led to it, by its whole name (`refs/heads/main`); absent where the commit itself was named. */
  readonly ref?: string;
}

export interface BuildKitKeysDependencies {
  /** Native's, watched. */
  readonly hashContent: (request: HashContentRequest, signal: AbortSignal) => Promise<HashContentResult>;
  /** The read-only mount of a snapshot (`Snapshotter.view`). */
  readonly view: (snapshot: string) => RootMount;
  /** The diffIDs of what an image source (`docker-image://`, `oci-layout://`) names. */
  readonly layersOf: (op: SourceOp, signal: AbortSignal) => Promise<readonly Digest[]>;
  /** What a repository (`git://`) was found to be; `undefined` where that is not known. */
  readonly commitOf: (op: SourceOp, signal: AbortSignal) => Promise<GitCommit | undefined>;
  /** Directory of the files that remember digests of local files; made when absent. */
  readonly statCacheDirectory: string;
}
