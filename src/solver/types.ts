import type { Digest } from '../oci/index.ts';

/**
 * The solver's whole world. A vertex is something that can be evaluated; what it evaluates to is opaque here (`R`).
 * The solver knows nothing of containers, files or images.
 *
 * **Identity.** Every vertex result has one *identity*: the digest of the op's cache map and of its inputs. For an input
 * that the op reads in part (a COPY's source) the cache map names a content digest function and the *content* stands
 * in the key instead of the input's identity; so a changed but content-identical input leads to the same identity, and
 * everything above it hits. An identity is deterministic across machines; a cache record maps it to a stored result.
 *
 * **Definition.** A content may not be known before the input was made. So a vertex has a second key, of which all is known
 * before anything runs: its *definition* has its inputs' definitions in the place of their contents. Only an input that cannot be
 * cached (a local directory) stands in it by its content, which can be looked at where it lies. A definition record says which identity
 * the definition led to the last time. It holds as long as nothing that is known contradicts it: see `DefinitionRecord`.
 *
 * **Look-up.** By the identity, where each content of it is remembered; else by the identity that the definition's record names;
 * else by the identity that the inputs have once they are made; then others' results (`ForeignCache`); then the op runs. What is
 * found in any way is found by the definition from then on.
 */
export interface Vertex<R> {
  /** Digest of the op: vertices with equal digests execute once. */
  readonly digest: Digest;
  /** For progress. */
  readonly name: string;
  readonly inputs: readonly Edge<R>[];
  readonly op: SolverOp<R>;
  /** Run even when a result is cached; and so does everything that stands on this one (has it as an input by identity). */
  readonly ignoreCache?: boolean;
}

/** One output of a vertex. */
export interface Edge<R> {
  readonly vertex: Vertex<R>;
  readonly index: number;
}

/** What an op must be able to do; implemented above. */
export interface SolverOp<R> {
  /** How this op is keyed. Cheap for exec and file ops; a source resolves here. Called at most once a solve. */
  cacheMap(context: OpContext): Promise<CacheMap<R>>;
  /**
   * Does the work. `inputs[i]` belongs to `vertex.inputs[i]`. Returns one result for each output. An error with the code
   * `CONTEXT_CHANGED` says that what an input holds is no longer what the key says: nothing is saved, and the solve starts again
   * (a few times at most) with what was finished so far.
   */
  exec(inputs: readonly R[], context: OpContext): Promise<readonly R[]>;
}

export interface OpContext {
  readonly signal: AbortSignal;
  /** Progress of the vertex that is evaluated. */
  readonly vertex: VertexReporter;
}

export interface ReadContext extends OpContext {
  /** Progress of the vertex whose result is read. */
  readonly source: VertexReporter;
}

/** Where an op reports output and partial progress; wired to a ProgressSink above. */
export interface VertexReporter {
  log(stream: 1 | 2, data: Uint8Array): void;
  task(id: string, current: number, total: number, completed?: boolean): void;
  /** Something odd that is no error. Absent where nobody listens. */
  readonly warn?: (message: string) => void;
}

export interface CacheMap<R> {
  /** Digest of everything that matters but the inputs; for a source, of what it resolved to. */
  readonly digest: Digest;
  /** One for each input. */
  readonly deps: readonly CacheDep<R>[];
  /**
   * `false` when no cache record may be written or read for this vertex: a local directory, which is looked at
   * afresh in every solve and enters keys by content alone.
   */
  readonly cacheable?: boolean;
}

export interface CacheDep<R> {
  /** Which part of the input is read: memoises content digests together with the input's identity. */
  readonly selector?: Digest;
  /** Present when the input enters the key by content. */
  readonly computeDigest?: (result: R, context: ReadContext) => Promise<Digest>;
}

/** Where results are kept between solves; implemented above, by `cache/`. Every method may be called by many solves at once. */
export interface CacheStorage<R> {
  /** The stored results (one an output) under an identity, or `undefined` when none or when it is no longer whole. */
  load(identity: Digest): Promise<readonly R[] | undefined>;
  save(identity: Digest, results: readonly R[], info: CacheRecordInfo): Promise<void>;
  /**
   * A remembered content digest of the part `selector` of output `index` of what is stored under an identity. It belongs to the
   * stored result, not to the identity: once another result is saved there, the old digest is not given any more.
   */
  contentDigest(identity: Digest, index: number, selector: Digest): Digest | undefined;
  saveContentDigest(result: R, selector: Digest, content: Digest): void;
  /** What is stored under the identity served a solve that had no need to load it. */
  touch(identity: Digest): void;
  /**
   * Names a result: another result has another name, whatever is in it. `undefined` where that cannot be told, and for an identity
   * under which nothing is stored.
   */
  nameOf(result: R): string | undefined;
  storedName(identity: Digest, index: number): string | undefined;
  /** Seen by `definition` at once; it may be written down later. */
  saveDefinition(definition: Digest, record: DefinitionRecord): void;
  definition(definition: Digest): DefinitionRecord | undefined;
}

/**
 * Which identity a definition led to. What it says is not believed when an input is known to be another than it was then: it has another
 * identity now, or the result that was read has been made anew (a step need not give the same twice). Of an input of which nothing
 * is known it is believed, as BuildKit does: that is what saves an input from being made.
 */
export interface DefinitionRecord {
  readonly identity: Digest;
  /** One for each input; all absent: unknown. */
  readonly inputs: readonly DefinitionInput[];
}

export interface DefinitionInput {
  readonly identity?: Digest;
  /** For one that was read: the content, and of which result it is (`CacheStorage.nameOf`). */
  readonly content?: Digest;
  readonly result?: string;
}

/**
 * Equal work is done once, whoever does it: who executes an identity has the claim on it. It is held while the op executes and until its
 * result is saved, and at no other time: whoever holds one has all inputs, and waits for no other claim; so no circle of builds
 * that wait for each other can come about. The order is: slot, claim, what an op waits for itself (the lock of a cache
 * mount). A claim is only tried for by who has a slot, and waited for without one.
 */
export interface Claims {
  /** `undefined` when somebody else has it. */
  tryTake(identity: Digest): Promise<Claim | undefined>;
  /**
   * Waits until whoever has it has ended, in whatever way. Rejects with the signal's reason.
   *
   * @param onWait called, perhaps often, once it has taken a moment
   */
  take(identity: Digest, signal: AbortSignal, onWait: () => void): Promise<Claim>;
}

export interface Claim {
  release(): void;
}

/**
 * Results that others have made: an imported cache. It is asked for what the store has not got, before that would run: first with what
 * is known without running anything; again when the inputs that are read are made; and again when all are, where one had no identity
 * at first. Never for what cannot be cached or is to run again.
 */
export interface ForeignCache<R> {
  /** @param inputs the results of the vertex's inputs, as far as they are there */
  find(
    vertex: Vertex<R>,
    inputs: readonly (R | undefined)[],
    context: ForeignContext,
  ): Promise<ForeignResult<R> | undefined>;
}

export interface ForeignContext extends OpContext {
  /** Nothing below is to run again: what was made of the same definition will do. Else only what was made of the same content. */
  readonly isDefinitionSound: boolean;
}

export interface ForeignResult<R> {
  /** One an output. */
  readonly results: readonly R[];
}

export interface CacheRecordInfo {
  readonly name: string;
  readonly vertex: Digest;
}

/**
 * Sees a solve happen; wired to progress. Every vertex is started and completed at least once; a cached one whose result nothing
 * needed too. The error that a solve rejects with was first given to `completed` with the vertex at fault.
 */
export interface SolveObserver<R> {
  started(vertex: Vertex<R>): void;
  completed(vertex: Vertex<R>, outcome: VertexOutcome): void;
  reporter(vertex: Vertex<R>): VertexReporter;
  /** Under which key the vertex was looked for: told once a vertex, before it is completed. */
  keyed?(vertex: Vertex<R>, keys: VertexKeys): void;
}

export interface VertexOutcome {
  /** It did not run here. */
  readonly cached: boolean;
  /** Absent where it failed. */
  readonly origin?: VertexOrigin;
  readonly error?: unknown;
}

/**
 * Where a result came from: it ran; it was stored before, or made by an equal vertex; another solve, perhaps of another process, made
 * it while this one waited; a foreign cache had it.
 */
export type VertexOrigin = 'run' | 'store' | 'shared' | 'foreign';

/** What a vertex's key was made of: enough to tell afterwards what made it another one than last time. */
export interface VertexKeys {
  /** That of the definition where nobody had to look for more. */
  readonly identity: Digest;
  /** Of the op alone (`CacheMap.digest`). */
  readonly map: Digest;
  readonly inputs: readonly InputKey[];
  /** No record was looked for: it was to run again, or stands on what did. */
  readonly refresh: boolean;
  /** It could not be cached at all. */
  readonly volatile: boolean;
}

/** What one input adds to a key. */
export interface InputKey {
  readonly vertex: Digest;
  readonly index: number;
  readonly identity: Digest;
  readonly selector?: Digest;
  /** The content of what is read of it, where that stands in the key and not what the input is. */
  readonly content?: Digest;
}

export interface Solver<R> {
  /**
   * Evaluates an edge. Rejects with the first error of any op, or with the signal's reason, after everything that was running has
   * ended.
   */
  build(edge: Edge<R>, options?: { readonly signal?: AbortSignal }): Promise<R>;
}
