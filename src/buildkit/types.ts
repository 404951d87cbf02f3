import type { Op, SourceOp } from '../llb/ops.ts';
import type { OpResult } from '../llb/results.ts';
import type { NativeApi } from '../native/types.ts';
import type { Digest, RootMount } from '../oci/index.ts';

/**
 * The names under which BuildKit's exported cache has the work of an op: `records[].digest` of a config blob
 * `application/vnd.buildkit.cacheconfig.v0`.
 *
 * A record stands for one output of one op. `records[r].inputs[i]` are the alternatives for the op's input `i` (numbers of BuildKit,
 * not ours: see `BuildKitDep.input`), any of which is enough, and for each input there has to be one:
 * - `{selector, link}` to a record of what made the input (`BuildKitDep.selector` with the input's own `digests`);
 * - `{link}` without a selector to a record that is nothing but the content that was read of it (`contentDigest`): such a record has no
 *   inputs and, as a rule, no results.
 *
 * Equal digests and links mean equal work. Where BuildKit's form of an op is not known here, there is no key: a miss, never a
 * wrong hit.
 */
export interface BuildKitKeys {
  /**
   * `undefined` where BuildKit has no key that could be found by us. Looks at nothing but the op itself, but for an image, whose config
   * is asked for. Called once an op; the same op gives the same answer.
   */
  keyOf(op: Op, options: KeyOptions): Promise<BuildKitKey | undefined>;
}

export interface KeyOptions {
  readonly signal: AbortSignal;
}

export interface BuildKitKey {
  /**
   * Record digests by output: for each, those under which it may be found, any of which says the same; the first is the one to
   * write where only one is wanted. More than one only for images (by manifest, by layers). Empty for what has no key of its own and
   * counts by what is read of it: a local directory, which is no record at all.
   */
  readonly outputs: readonly (readonly Digest[])[];
  /** One for each `inputs[i]` of the record, in BuildKit's order. Empty for a source. */
  readonly deps: readonly BuildKitDep[];
}

export interface BuildKitDep {
  /** Which of our op's inputs it is. */
  readonly input: number;
  /** For the links to records of what made the input; empty when all of it is read. */
  readonly selector: Digest | '';
  /**
   * The record digest of what is read of the input's tree, for a link without a selector. Absent where BuildKit looks at no content:
   * then only what made the input tells it from another.
   */
  readonly contentDigest?: (tree: OpResult, signal: AbortSignal) => Promise<Digest>;
}

export interface BuildKitKeysDependencies {
  readonly native: Pick<NativeApi, 'hashTree'>;
  /** The read-only mount of a snapshot (`Snapshotter.view`). */
  readonly view: (snapshot: string) => RootMount;
  /** What an image source (`docker-image://`, `oci-layout://`) resolved to. */
  readonly resolveImage: (op: SourceOp, signal: AbortSignal) => Promise<KeyedImage>;
  /** Directory of the files that remember digests of local files; made when absent. */
  readonly statCacheDirectory: string;
}

/** What of an image decides its keys. */
export interface KeyedImage {
  /** Of the manifest of the platform, and of the index or manifest that the name was resolved to. */
  readonly manifest: Digest;
  readonly diffIds: readonly Digest[];
}
