import type { Digest } from '../oci/index.ts';
import { Calls } from './calls.ts';
import { badOp, StaleAssumption } from './errors.ts';
import { combineIdentity, type KeyPart, selectorOf } from './identity.ts';
import { collectNodes, type Identity, type Node, type NodeEdge } from './node.ts';
import type { Slots } from './slots.ts';
import type { CacheDep, CacheStorage, Edge, InputKey, OpContext, SolveObserver, Vertex } from './types.ts';

export interface SolveWorld<R> {
  readonly cache: CacheStorage<R>;
  readonly observer: SolveObserver<R>;
  readonly slots: Slots;
}

/** What one attempt at a build leaves to the next: results of this build, by identity, and who was reported. */
export interface Carried<R> {
  readonly results: Map<Digest, readonly R[]>;
  readonly reported: Set<Digest>;
}

/**
 * One evaluation of one edge. Identities are computed for all vertices, bottom up; results are made from the head down, only
 * where they are needed: for an op that has to run, or for a content digest that nobody remembers.
 *
 * Each `async` method awaits before it goes to other nodes' results, so neither the graph's depth nor its width is ever on
 * the stack.
 */
export class Solve<R> {
  readonly #world: SolveWorld<R>;
  readonly #carried: Carried<R>;
  readonly #calls: Calls;
  /** Executions by identity: two ways to the same key are one piece of work. */
  readonly #shared = new Map<string, Promise<readonly R[]>>();
  readonly #contents = new Map<string, Promise<Digest>>();
  readonly #saves: Promise<void>[] = [];

  constructor(world: SolveWorld<R>, carried: Carried<R>, signal: AbortSignal | undefined) {
    this.#world = world;
    this.#carried = carried;
    this.#calls = new Calls(signal);
  }

  async run(head: Edge<R>): Promise<R> {
    let result: R | undefined;
    try {
      const nodes = collectNodes(head);
      for (const node of nodes) {
        node.identity = this.#identify(node);
        // Whoever reads it sees the failure; that nobody does is no accident to report.
        node.identity.catch(() => {});
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

  async #identify(node: Node<R>): Promise<Identity> {
    const { vertex } = node;
    const map = await this.#ask(vertex, async (context) => {
      const answer = await vertex.op.cacheMap(context);
      if (answer.deps.length === node.inputs.length) return answer;
      throw badOp(vertex.name, `has ${node.inputs.length} inputs but keys for ${answer.deps.length}`);
    });
    const parts = await Promise.all(node.inputs.map((input, i) => this.#keyPart(vertex, input, map.deps[i] ?? {})));
    const identity = combineIdentity(map, parts, vertex.ignoreCache === true);
    node.known = identity;
    this.#world.observer.keyed?.(vertex, {
      identity: identity.digest,
      map: map.digest,
      inputs: parts.map((part, i) => describeInput(node.inputs[i] as NodeEdge<R>, map.deps[i]?.selector, part)),
      refresh: identity.refresh,
      volatile: identity.volatile,
    });
    return identity;
  }

  async #keyPart(reader: Vertex<R>, input: NodeEdge<R>, dep: CacheDep<R>): Promise<KeyPart> {
    const identity = await input.node.identity;
    if (dep.computeDigest === undefined) return { identity, index: input.index, selector: dep.selector };
    const key = `${identity.digest} ${input.index} ${selectorOf(dep)} ${identity.refresh}`;
    let content = this.#contents.get(key);
    if (content === undefined) {
      content = this.#contentDigest(reader, input, identity, dep);
      this.#contents.set(key, content);
    }
    return { content: await content };
  }

  async #contentDigest(reader: Vertex<R>, input: NodeEdge<R>, identity: Identity, dep: CacheDep<R>): Promise<Digest> {
    const { node, index } = input;
    const selector = selectorOf(dep);
    const mayRemember = !identity.volatile && !identity.refresh && !this.#carried.results.has(identity.digest);
    if (mayRemember) {
      const content = this.#world.cache.contentDigest(identity.digest, index, selector);
      if (content !== undefined) {
        node.assumed.set(`${index} ${selector}`, { index, dep, reader, content });
        return content;
      }
    }
    const result = await this.#readOutput(input);
    return await this.#digestResult(reader, node.vertex, result, dep, identity);
  }

  async #digestResult(
    reader: Vertex<R>,
    source: Vertex<R>,
    result: R,
    dep: CacheDep<R>,
    identity: Identity,
  ): Promise<Digest> {
    const { computeDigest } = dep;
    if (computeDigest === undefined) throw badOp(reader.name, 'has no content digest');
    const content = await this.#ask(reader, (context) =>
      computeDigest(result, { ...context, source: this.#world.observer.reporter(source) }),
    );
    if (!identity.volatile) this.#world.cache.saveContentDigest(result, selectorOf(dep), content);
    return content;
  }

  async #readOutput({ node, index }: NodeEdge<R>): Promise<R> {
    node.results ??= this.#realise(node);
    const results = await node.results;
    if (index < 0 || index >= results.length) {
      throw badOp(node.vertex.name, `has no output ${index}, only ${results.length}`);
    }
    return results[index] as R;
  }

  async #realise(node: Node<R>): Promise<readonly R[]> {
    const identity = await node.identity;
    const key = `${identity.digest} ${identity.refresh}`;
    const shared = this.#shared.get(key);
    if (shared !== undefined) {
      const results = await shared;
      this.#reportCached(node);
      return results;
    }
    const results = this.#evaluate(node, identity);
    this.#shared.set(key, results);
    return await results;
  }

  async #evaluate(node: Node<R>, identity: Identity): Promise<readonly R[]> {
    const carried = this.#carried.results.get(identity.digest);
    if (carried !== undefined) {
      this.#reportCached(node);
      return carried;
    }
    if (!identity.volatile && !identity.refresh) {
      const stored = await this.#calls.run(() => this.#world.cache.load(identity.digest));
      if (stored !== undefined) {
        this.#reportCached(node);
        return stored;
      }
    }
    const inputs = await Promise.all(node.inputs.map((input) => this.#readOutput(input)));
    const results = await this.#execute(node.vertex, inputs);
    if (!identity.volatile) this.#keep(node.vertex, identity, results);
    await this.#checkAssumptions(node, identity, results);
    return results;
  }

  async #execute(vertex: Vertex<R>, inputs: readonly R[]): Promise<readonly R[]> {
    const release = await this.#world.slots.acquire();
    try {
      return await this.#calls.run(async () => {
        this.#carried.reported.add(vertex.digest);
        this.#world.observer.started(vertex);
        const results = await vertex.op.exec(inputs, this.#contextOf(vertex)).catch((error: unknown) => {
          this.#world.observer.completed(vertex, { cached: false, error });
          throw error;
        });
        this.#world.observer.completed(vertex, { cached: false });
        return results;
      });
    } finally {
      release();
    }
  }

  /** Saves what an op made; what stands on it need not wait for the disk. */
  #keep(vertex: Vertex<R>, identity: Identity, results: readonly R[]): void {
    this.#carried.results.set(identity.digest, results);
    const save = this.#calls.finish(() =>
      this.#world.cache.save(identity.digest, results, { name: vertex.name, vertex: vertex.digest }),
    );
    save.catch(() => {});
    this.#saves.push(save);
  }

  /** A result was made anew although parts of the stored one stand in keys: are they still true? */
  async #checkAssumptions(node: Node<R>, identity: Identity, results: readonly R[]): Promise<void> {
    for (const { index, dep, reader, content } of node.assumed.values()) {
      const now = await this.#digestResult(reader, node.vertex, results[index] as R, dep, identity);
      if (now === content) continue;
      const stale = new StaleAssumption(node.vertex.name);
      this.#calls.fail(stale);
      throw stale;
    }
  }

  /** Reports a cached vertex, and all below it that nobody had to look at: they are cached as well. */
  #reportCached(node: Node<R>): void {
    const stack: { readonly node: Node<R>; readonly expanded: boolean }[] = [{ node, expanded: false }];
    for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
      const { vertex } = top.node;
      if (top.expanded) {
        if (top.node.known?.volatile === false) this.#world.cache.touch(top.node.known.digest);
        this.#world.observer.started(vertex);
        this.#world.observer.completed(vertex, { cached: true });
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

function describeInput<R>({ node, index }: NodeEdge<R>, selector: Digest | undefined, part: KeyPart): InputKey {
  return {
    vertex: node.vertex.digest,
    index,
    identity: node.known?.digest ?? node.vertex.digest,
    ...(selector === undefined ? {} : { selector }),
    ...('content' in part ? { content: part.content } : {}),
  };
}
