import type { BuildKitDep, BuildKitKey, BuildKitKeys } from '../../buildkit/types.ts';
import { errorCode } from '../../errors.ts';
import type { Op, SourceOp } from '../../llb/ops.ts';
import type { LayersResult, OpResult, PresentResult } from '../../llb/results.ts';
import type { Digest } from '../../oci/index.ts';
import type {
  Edge,
  ForeignCache,
  ForeignContext,
  ForeignResult,
  OpContext,
  Vertex,
  VertexReporter,
} from '../../solver/types.ts';
import type { ImportedCache } from './import.ts';
import type { Alternative } from './match.ts';

export interface ForeignRecordsOptions {
  /** What `--cache-from` names, in that order; settles when all was read, and never rejects. */
  readonly caches: Promise<readonly ImportedCache[]>;
  readonly keys: BuildKitKeys;
  readonly opOf: (vertex: Digest) => Op | undefined;
  /** The directory that a `local://` source names. */
  readonly readLocal: (op: SourceOp, signal: AbortSignal) => Promise<OpResult>;
  /** Fetches and unpacks a tree that is not here. */
  readonly bring: (result: OpResult, signal: AbortSignal) => Promise<PresentResult>;
  /** A cache turned out not to have what it promises. */
  readonly onLost: (cache: ImportedCache, why: string) => void;
}

/** Records by output, in one cache. */
type Matches = readonly (readonly number[])[];

/**
 * The results of other builders. A vertex is looked for first by what it is made of, as BuildKit does: its digest and its inputs'
 * records; then by the content that is read of its inputs, which has to be here for that.
 */
export class ForeignRecords implements ForeignCache<OpResult> {
  readonly #options: ForeignRecordsOptions;
  readonly #keys = new Map<Digest, Promise<BuildKitKey | undefined>>();
  readonly #contents = new Map<BuildKitDep, Digest>();
  /** What is known of a vertex so far, by cache. */
  readonly #found = new Map<Digest, ReadonlyMap<ImportedCache, Matches>>();
  readonly #hits = new Map<Digest, readonly LayersResult[]>();
  readonly #lost = new Set<ImportedCache>();
  /** One look at the graph after the other: what one learns the next one knows. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: ForeignRecordsOptions) {
    this.#options = options;
  }

  /** What the build has taken from other builders, by vertex. */
  get hits(): ReadonlyMap<Digest, readonly LayersResult[]> {
    return this.#hits;
  }

  /** What is known of a vertex that the build had no need of: an export hands it on. */
  peek(vertex: Digest): readonly LayersResult[] | undefined {
    for (const cache of this.#found.get(vertex)?.keys() ?? []) {
      const results = this.#resultsOf(vertex, cache);
      if (results !== undefined) return results;
    }
    return undefined;
  }

  /** A content by which an imported record of the vertex has its input, where the tree itself is not here. */
  importedContent(vertex: Digest, input: number): Digest | undefined {
    for (const [{ records }, matches] of this.#found.get(vertex) ?? [])
      for (const record of matches.flat())
        for (const { selector, link } of records[record]?.inputs[input] ?? []) {
          const target = records[link];
          if (selector === '' && target?.inputs.length === 0 && target.results.length === 0) return target.digest;
        }
    return undefined;
  }

  keyOf(vertex: Digest, signal: AbortSignal): Promise<BuildKitKey | undefined> {
    const op = this.#options.opOf(vertex);
    const known = this.#keys.get(vertex);
    if (known !== undefined || op === undefined) return known ?? Promise.resolve(undefined);
    const key = this.#options.keys.keyOf(op, signal);
    this.#keys.set(vertex, key);
    return key;
  }

  async find(
    vertex: Vertex<OpResult>,
    inputs: readonly (OpResult | undefined)[],
    context: ForeignContext,
  ): Promise<ForeignResult<OpResult> | undefined> {
    if (this.#options.opOf(vertex.digest)?.type === 'source') return undefined;
    if ((await this.#caches()).length === 0) return undefined;
    const turn = this.#turn.then(async () => {
      const { signal, isDefinitionSound } = context;
      await this.#lookBelow(vertex, signal, isDefinitionSound);
      const known = this.#hit(vertex, context);
      // Whoever has made all that the step needs is about to run it: then its content may be looked at too.
      if (known !== undefined || inputs.length === 0 || inputs.includes(undefined)) return known;
      await this.#look(vertex, signal, isDefinitionSound, inputs);
      return this.#hit(vertex, context);
    });
    this.#turn = turn.catch(() => {});
    return await turn;
  }

  /** The first cache's that has one. */
  #hit(vertex: Vertex<OpResult>, context: OpContext): ForeignResult<OpResult> | undefined {
    for (const cache of this.#found.get(vertex.digest)?.keys() ?? []) {
      const results = this.#resultsOf(vertex.digest, cache, context.vertex);
      if (results === undefined) continue;
      this.#hits.set(vertex.digest, results);
      return { results };
    }
    return undefined;
  }

  async #caches(): Promise<readonly ImportedCache[]> {
    return (await this.#options.caches).filter((cache) => !this.#lost.has(cache));
  }

  /** Looks at everything below that was not looked at yet, and then at the vertex; with a stack of its own, for deep graphs. */
  async #lookBelow(head: Vertex<OpResult>, signal: AbortSignal, isSound: boolean): Promise<void> {
    const stack: { readonly vertex: Vertex<OpResult>; readonly expanded: boolean }[] = [
      { vertex: head, expanded: false },
    ];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { vertex, expanded } = top;
      if (this.#found.has(vertex.digest)) continue;
      if (expanded) {
        await this.#look(vertex, signal, isSound, []);
        continue;
      }
      stack.push({ vertex, expanded: true });
      for (const input of vertex.inputs) stack.push({ vertex: input.vertex, expanded: false });
    }
  }

  /**
   * @param isSound what was made of the same definition counts also where an input is read
   * @param inputs empty where nothing but directories is to be looked into
   */
  async #look(
    vertex: Vertex<OpResult>,
    signal: AbortSignal,
    isSound: boolean,
    inputs: readonly (OpResult | undefined)[],
  ): Promise<void> {
    const found = new Map<ImportedCache, Matches>();
    this.#found.set(vertex.digest, found);
    const key = await this.keyOf(vertex.digest, signal).catch(missed(signal));
    if (key !== undefined) {
      const contents = await Promise.all(
        key.deps.map(async (dep) => {
          const input = vertex.inputs[dep.input];
          const result = inputs[dep.input];
          if (input === undefined || dep.contentDigest === undefined) return undefined;
          const local = this.#localOp(input.vertex);
          const read = async () => (local === undefined ? result : this.#options.readLocal(local, signal));
          return this.contentOf(dep, read, signal).catch(missed(signal));
        }),
      );
      for (const cache of await this.#caches()) found.set(cache, this.#match(vertex, key, contents, cache, isSound));
    }
  }

  /** A directory has no key but its content, and is always here. */
  #localOp({ digest }: Vertex<OpResult>): SourceOp | undefined {
    const op = this.#options.opOf(digest);
    return op?.type === 'source' && op.identifier.startsWith('local://') ? op : undefined;
  }

  /** The record digest of what a vertex reads of an input; worked out once. */
  async contentOf(
    dep: BuildKitDep,
    read: () => Promise<OpResult | undefined>,
    signal: AbortSignal,
  ): Promise<Digest | undefined> {
    const known = this.#contents.get(dep);
    if (known !== undefined) return known;
    const result = await read();
    const content = result && (await dep.contentDigest?.(await this.#options.bring(result, signal), signal));
    if (content !== undefined) this.#contents.set(dep, content);
    return content;
  }

  #match(
    vertex: Vertex<OpResult>,
    key: BuildKitKey,
    contents: readonly (Digest | undefined)[],
    { index, records }: ImportedCache,
    isSound: boolean,
  ): Matches {
    const byRecord = (digest: Digest, selector: string): readonly Alternative[] =>
      index.roots(digest).map((record) => ({ selector, record }));
    const inputs = key.deps.map(({ input, selector, fixed, step, contentDigest }, i): readonly Alternative[] => {
      if (fixed !== undefined) return [...byRecord(fixed.record, selector), ...byRecord(fixed.content, '')];
      const content = contents[i];
      const edge = vertex.inputs[input];
      const counts = edge !== undefined && (isSound || contentDigest === undefined);
      const below = !counts ? [] : this.#matchesOf(edge, records);
      const made = step === undefined ? below : index.find(step, [below.map((record) => ({ selector: '', record }))]);
      return [...made.map((record) => ({ selector, record })), ...(content === undefined ? [] : byRecord(content, ''))];
    });
    return key.outputs.map((digests) =>
      digests.flatMap((digest) => (inputs.length === 0 ? index.roots(digest) : index.find(digest, inputs))),
    );
  }

  #matchesOf({ vertex, index }: Edge<OpResult>, records: ImportedCache['records']): readonly number[] {
    for (const [cache, matches] of this.#found.get(vertex.digest) ?? [])
      if (cache.records === records) return matches[index] ?? [];
    return [];
  }

  /** One result for each output; the newest where there are several. */
  #resultsOf(vertex: Digest, cache: ImportedCache, reporter?: VertexReporter): readonly LayersResult[] | undefined {
    if (this.#lost.has(cache)) return undefined;
    const results: LayersResult[] = [];
    const outputs = this.#found.get(vertex)?.get(cache) ?? [];
    for (const records of outputs) {
      const candidates = records
        .flatMap((record) => cache.records[record]?.results ?? [])
        .sort((a, b) => b.createdMs - a.createdMs);
      const layers = candidates
        .map((candidate) => candidate.layers.flatMap((layer) => cache.layers[layer] ?? []))
        .find((found, i) => found.length > 0 && found.length === candidates[i]?.layers.length);
      if (layers === undefined) return undefined;
      const onLost = (why: string): void => this.#loseCache(cache, why);
      results.push({
        kind: 'layers',
        layers,
        place: { ...cache.place, onLost, ...(reporter && { onTask: reporter.task.bind(reporter) }) },
      });
    }
    return results.length === 0 ? undefined : results;
  }

  /** Nothing is taken from there any more, and what was is forgotten. */
  #loseCache(cache: ImportedCache, why: string): void {
    if (this.#lost.has(cache)) return;
    this.#lost.add(cache);
    this.#hits.clear();
    this.#options.onLost(cache, why);
  }
}

/** What cannot be keyed is not found; the step itself says better what is wrong. A lost layer is another matter: the build starts again. */
function missed(signal: AbortSignal): (error: unknown) => undefined {
  return (error) => {
    if (signal.aborted || errorCode(error) === 'CACHE_LAYER_LOST') throw error;
    return undefined;
  };
}
