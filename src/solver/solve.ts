import type { Digest } from '../oci/index.ts';
import { Calls } from './calls.ts';
import { badOp, StaleAssumption } from './errors.ts';
import { describeKeys, type Identity } from './identity.ts';
import { Keys } from './keys.ts';
import { collectNodes, isLocal, type Node, type NodeEdge } from './node.ts';
import type { Slots } from './slots.ts';
import { takeTurn } from './turn.ts';
import type {
  CacheStorage,
  Claims,
  Edge,
  ForeignCache,
  OpContext,
  SolveObserver,
  Vertex,
  VertexOrigin,
} from './types.ts';

export interface SolveWorld<R> {
  readonly cache: CacheStorage<R>;
  readonly observer: SolveObserver<R>;
  readonly foreign?: ForeignCache<R>;
  readonly claims?: Claims;
  readonly slots: Slots;
}

/** What one attempt at a build leaves to the next: results of this build, by identity, and who was reported. */
export interface Carried<R> {
  readonly results: Map<Digest, readonly R[]>;
  readonly reported: Set<Digest>;
  /** Under which key, by vertex. */
  readonly keyed: Map<Digest, Digest>;
}

/**
 * One evaluation of one edge. What can be known of keys without running anything is computed for all vertices, bottom up; results are
 * made from the head down, only where they are needed: for an op that has to run, or for a content digest that nobody
 * remembers.
 *
 * Each `async` method awaits before it goes to other nodes' results, so neither the graph's depth nor its width is ever on
 * the stack.
 */
export class Solve<R> {
  readonly #world: SolveWorld<R>;
  readonly #carried: Carried<R>;
  readonly #calls: Calls;
  readonly #keys: Keys<R>;
  /** Executions by identity: two ways to the same key are one piece of work. */
  readonly #shared = new Map<string, Promise<readonly R[]>>();
  readonly #saves: Promise<void>[] = [];

  constructor(world: SolveWorld<R>, carried: Carried<R>, signal: AbortSignal | undefined) {
    this.#world = world;
    this.#carried = carried;
    this.#calls = new Calls(signal);
    this.#keys = new Keys<R>({
      cache: world.cache,
      carried: carried.results,
      ask: (vertex, question) => this.#ask(vertex, question),
      reporter: (vertex) => world.observer.reporter(vertex),
      readOutput: (edge) => this.#readOutput(edge),
      begin: (edge) => {
        // Others may have what stands on it: then it is not needed.
        if (world.foreign === undefined) this.#readOutput(edge).catch(() => {});
      },
      hasForeign: async (node) => (await this.#askForeignEarly(node)) !== undefined,
    });
  }

  async run(head: Edge<R>): Promise<R> {
    let result: R | undefined;
    try {
      const nodes = collectNodes(head);
      for (const node of nodes) {
        node.early = this.#keys.lookAt(node);
        // Whoever reads it sees the failure; that nobody does is no accident to report.
        node.early.catch(() => {});
      }
      const last = nodes.at(-1);
      if (last !== undefined) result = await this.#readOutput({ node: last, index: head.index });
      await Promise.all(this.#saves);
    } catch (error) {
      this.#calls.fail(error);
    }
    await this.#calls.settled();
    if (this.#calls.failure !== undefined) throw this.#calls.failure.error;
    return result as R;
  }

  async #readOutput({ node, index }: NodeEdge<R>): Promise<R> {
    node.results ??= this.#realise(node);
    const results = await node.results;
    node.made = results;
    if (index < 0 || index >= results.length) {
      throw badOp(node.vertex.name, `has no output ${index}, only ${results.length}`);
    }
    return results[index] as R;
  }

  async #realise(node: Node<R>): Promise<readonly R[]> {
    await node.early;
    const identity = await this.#keys.identify(node);
    const key = `${identity.digest} ${identity.refresh}`;
    const shared = this.#shared.get(key);
    if (shared !== undefined) {
      const results = await shared;
      this.#reportCached(node, 'store');
      return results;
    }
    const results = this.#evaluate(node, identity);
    this.#shared.set(key, results);
    return await results;
  }

  async #evaluate(node: Node<R>, identity: Identity): Promise<readonly R[]> {
    const found = await this.#find(node, identity);
    if (found !== undefined) return found;
    if (node.known?.record === undefined) return await this.#make(node, identity);
    // What the definition's record names is not there any more: it is keyed like one that has none.
    const actual = await this.#keys.combine(node);
    const results = (await this.#find(node, actual)) ?? (await this.#make(node, actual));
    if (actual.digest !== identity.digest) this.#startAgain(new StaleAssumption(node.vertex.name));
    return results;
  }

  /** What this build or an earlier one made. */
  async #find(node: Node<R>, identity: Identity): Promise<readonly R[] | undefined> {
    const carried = this.#carried.results.get(identity.digest);
    const found = carried ?? (await this.#load(identity));
    if (found === undefined) return undefined;
    node.identified = identity;
    this.#keys.remember(node, identity);
    this.#reportCached(node, 'store');
    return found;
  }

  async #load({ digest, volatile, refresh }: Identity): Promise<readonly R[] | undefined> {
    if (volatile || refresh) return undefined;
    return await this.#calls.run(() => this.#world.cache.load(digest));
  }

  async #make(node: Node<R>, identity: Identity): Promise<readonly R[]> {
    node.identified = identity;
    const asks = this.#world.foreign !== undefined && !identity.volatile && !identity.refresh;
    let foreign = asks ? await this.#findForeign(node) : undefined;
    const inputs = foreign ?? (await Promise.all(node.inputs.map((input) => this.#readOutput(input))));
    if (asks && foreign === undefined && standsOnUnknown(node)) foreign = await this.#askForeign(node);
    if (foreign === undefined) return await this.#executeOnce(node, identity, inputs);
    void this.#keep(node, identity, foreign);
    await this.#checkAssumptions(node, identity, foreign);
    this.#reportCached(node, 'foreign');
    return foreign;
  }

  /** What others made of the same: asked with what is known, and again with the inputs that are read. */
  async #findForeign(node: Node<R>): Promise<readonly R[] | undefined> {
    const early = await this.#askForeignEarly(node);
    if (early !== undefined) return early;
    const read = node.inputs.filter((input, i) => isRead(node, i) && !isLocal(input.node));
    if (read.length === 0) return undefined;
    await Promise.all(read.map((input) => this.#readOutput(input)));
    return await this.#askForeign(node);
  }

  async #askForeignEarly(node: Node<R>): Promise<readonly R[] | undefined> {
    if (node.foreign !== undefined) return node.foreign ?? undefined;
    const { definition } = await node.early;
    if (this.#world.foreign === undefined || definition.volatile || definition.refresh) return undefined;
    const found = await this.#askForeign(node);
    node.foreign = found ?? null;
    return found;
  }

  async #askForeign(node: Node<R>): Promise<readonly R[] | undefined> {
    const { vertex, inputs, known } = node;
    const made = inputs.map((input) => input.node.made?.[input.index]);
    const isDefinitionSound = known?.definition.refresh === false;
    const found = await this.#ask(vertex, async (context) =>
      this.#world.foreign?.find(vertex, made, { ...context, isDefinitionSound }),
    );
    return found?.results;
  }

  /** Executes, unless somebody else who does the same gets it done first. */
  async #executeOnce(node: Node<R>, identity: Identity, inputs: readonly R[]): Promise<readonly R[]> {
    // To name a directory is no work.
    if (isLocal(node)) return await this.#execute(node, inputs);
    const { slots, claims } = this.#world;
    const isShared = claims !== undefined && !identity.volatile && !identity.refresh;
    const wait = this.#createWait(node.vertex);
    const taken = await this.#calls.run(() =>
      takeTurn(slots, {
        ...(isShared ? { claim: { claims, identity: identity.digest } } : {}),
        look: () => this.#load(identity),
        signal: this.#calls.ending,
        onWait: wait.start,
      }),
    );
    wait.end();
    if ('found' in taken) {
      this.#keys.remember(node, identity);
      await this.#checkAssumptions(node, identity, taken.found);
      this.#reportCached(node, 'shared');
      return taken.found;
    }
    const { turn } = taken;
    let saved: Promise<void> | undefined;
    try {
      const results = await this.#execute(node, inputs);
      turn.endExecution();
      if (!identity.volatile) saved = this.#keep(node, identity, results);
      await this.#checkAssumptions(node, identity, results);
      return results;
    } finally {
      // Others look for the result as soon as they may.
      if (saved === undefined) turn.release();
      else saved.then(turn.release, turn.release);
    }
  }

  async #execute(node: Node<R>, inputs: readonly R[]): Promise<readonly R[]> {
    const { vertex } = node;
    return await this.#calls.run(async () => {
      this.#carried.reported.add(vertex.digest);
      this.#tellKeys(node);
      this.#world.observer.started(vertex);
      const results = await vertex.op.exec(inputs, this.#contextOf(vertex)).catch((error: unknown) => {
        this.#world.observer.completed(vertex, { cached: false, error });
        throw error;
      });
      this.#world.observer.completed(vertex, { cached: false, origin: 'run' });
      return results;
    });
  }

  /** Shows that a step waits for somebody else, once that takes a moment. */
  #createWait(vertex: Vertex<R>): { readonly start: () => void; readonly end: () => void } {
    let isShown = false;
    const show = (isDone: boolean): void => this.#world.observer.reporter(vertex).task(WAITING, 0, 0, isDone);
    return {
      start() {
        if (!isShown) show(false);
        isShown = true;
      },
      end() {
        if (isShown) show(true);
      },
    };
  }

  /** Saves what an op made; what stands on it need not wait for the disk. */
  #keep(node: Node<R>, identity: Identity, results: readonly R[]): Promise<void> {
    const { vertex } = node;
    this.#carried.results.set(identity.digest, results);
    this.#keys.remember(node, identity);
    const save = this.#calls.finish(() =>
      this.#world.cache.save(identity.digest, results, { name: vertex.name, vertex: vertex.digest }),
    );
    save.catch(() => {});
    this.#saves.push(save);
    return save;
  }

  async #checkAssumptions(node: Node<R>, identity: Identity, results: readonly R[]): Promise<void> {
    try {
      await this.#keys.checkAssumptions(node, identity, results);
    } catch (error) {
      if (error instanceof StaleAssumption) this.#startAgain(error);
      throw error;
    }
  }

  #startAgain(stale: StaleAssumption): never {
    this.#calls.fail(stale);
    throw stale;
  }

  /** Reports a cached vertex, and all below it that nobody had to look at: they are cached as well. */
  #reportCached(node: Node<R>, origin: VertexOrigin): void {
    const stack: { readonly node: Node<R>; readonly expanded: boolean }[] = [{ node, expanded: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { vertex, known } = top.node;
      if (top.expanded) {
        const identity = top.node.identified ?? known?.identity;
        if (identity?.volatile === false) this.#world.cache.touch(identity.digest);
        if (identity !== undefined && top.node !== node) this.#keys.remember(top.node, identity);
        this.#tellKeys(top.node);
        this.#world.observer.started(vertex);
        this.#world.observer.completed(vertex, { cached: true, origin: top.node === node ? origin : 'store' });
        continue;
      }
      if (this.#carried.reported.has(vertex.digest)) continue;
      // One that is being evaluated reports itself.
      if (top.node !== node && top.node.results !== undefined) continue;
      this.#carried.reported.add(vertex.digest);
      stack.push({ node: top.node, expanded: true });
      for (const input of top.node.inputs.toReversed()) stack.push({ node: input.node, expanded: false });
    }
  }

  #tellKeys(node: Node<R>): void {
    const { observer } = this.#world;
    const { vertex, known } = node;
    if (observer.keyed === undefined || known === undefined) return;
    const identity = node.identified ?? known.identity ?? known.definition;
    if (this.#carried.keyed.get(vertex.digest) === identity.digest) return;
    this.#carried.keyed.set(vertex.digest, identity.digest);
    const parts = node.inputs.map((input, i) => {
      const { identity: now, content } = ('parts' in identity ? identity.parts?.[i] : undefined) ?? {};
      const before = known.record?.inputs[i];
      const below = now ?? input.node.identified ?? input.node.known?.identity ?? input.node.known?.definition;
      return { identity: below?.digest ?? identity.digest, content: content ?? before?.content };
    });
    observer.keyed(vertex, describeKeys(vertex, known.map, identity, parts));
  }

  /** Asks an op something before it runs. When that is what the solve fails with, the vertex is reported as failed. */
  async #ask<T>(vertex: Vertex<R>, question: (context: OpContext) => Promise<T>): Promise<T> {
    return await this.#calls.run(async () => {
      try {
        return await question(this.#contextOf(vertex));
      } catch (error) {
        if (this.#calls.failure === undefined) {
          this.#carried.reported.add(vertex.digest);
          this.#world.observer.started(vertex);
          this.#world.observer.completed(vertex, { cached: false, error });
        }
        throw error;
      }
    });
  }

  #contextOf(vertex: Vertex<R>): OpContext {
    return { signal: this.#calls.signal, vertex: this.#world.observer.reporter(vertex) };
  }
}

/** The name of the task that is shown. */
const WAITING = 'waiting for the same step of another build';

function isRead<R>(node: Node<R>, input: number): boolean {
  return node.known?.map.deps[input]?.computeDigest !== undefined;
}

/** An input by identity had none when a foreign cache was first asked: it may know it now. */
function standsOnUnknown<R>(node: Node<R>): boolean {
  return node.inputs.some((input, i) => !isRead(node, i) && input.node.known?.identity === undefined);
}
