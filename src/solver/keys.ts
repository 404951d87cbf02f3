import type { Digest } from '../oci/index.ts';
import { badOp, StaleAssumption } from './errors.ts';
import {
  combineDefinition,
  combineIdentity,
  type DefinitionPart,
  type Identity,
  identityOfDefinition,
  type KeyPart,
  selectorOf,
} from './identity.ts';
import { type EarlyKeys, isLocal, type Node, type NodeEdge } from './node.ts';
import type {
  CacheDep,
  CacheStorage,
  DefinitionInput,
  DefinitionRecord,
  OpContext,
  Vertex,
  VertexReporter,
} from './types.ts';

/** What keys are made with: the solve. */
export interface KeySource<R> {
  readonly cache: CacheStorage<R>;
  /** What this build has made, by identity. */
  readonly carried: ReadonlyMap<Digest, readonly R[]>;
  ask<T>(vertex: Vertex<R>, question: (context: OpContext) => Promise<T>): Promise<T>;
  reporter(vertex: Vertex<R>): VertexReporter;
  readOutput(edge: NodeEdge<R>): Promise<R>;
  /** Makes what will be needed, while something else is waited for. */
  begin(edge: NodeEdge<R>): void;
  /** Whether others have a result, by what is known before anything runs. */
  hasForeign(node: Node<R>): Promise<boolean>;
}

/**
 * The keys of one solve's vertices: first what can be known without running anything, bottom up; then, of those that somebody needs
 * and that read what has to be made, the rest.
 */
export class Keys<R> {
  readonly #source: KeySource<R>;
  readonly #contents = new Map<string, Promise<Digest>>();

  constructor(source: KeySource<R>) {
    this.#source = source;
  }

  /** All that is known before anything runs. The inputs' `early` are set. */
  async lookAt(node: Node<R>): Promise<EarlyKeys<R>> {
    const { vertex } = node;
    const map = await this.#source.ask(vertex, async (context) => {
      const answer = await vertex.op.cacheMap(context);
      if (answer.deps.length === node.inputs.length) return answer;
      throw badOp(vertex.name, `has ${node.inputs.length} inputs but keys for ${answer.deps.length}`);
    });
    const seen = await Promise.all(node.inputs.map((input, i) => this.#partBefore(vertex, input, map.deps[i] ?? {})));
    const parts = seen.flatMap(({ part }) => (part === undefined ? [] : [part]));
    const ignoreCache = vertex.ignoreCache === true;
    const identity = parts.length === seen.length ? combineIdentity(map, parts, ignoreCache) : undefined;
    const definition = combineDefinition(
      map,
      seen.map((each) => each.definition),
      ignoreCache,
      identity,
    );
    node.known = {
      map,
      definition,
      ...(identity === undefined ? this.#recall(node, map, definition) : { identity, isDoubtful: false }),
    };
    return node.known;
  }

  /** Under which key the result lies. What is read of inputs is made for it where nothing else tells. */
  identify(node: Node<R>): Promise<Identity> {
    node.identity ??= this.#identify(node).then((identity) => {
      node.identified = identity;
      return identity;
    });
    return node.identity;
  }

  async #identify(node: Node<R>): Promise<Identity> {
    const { identity, definition } = await node.early;
    if (identity !== undefined) return identity;
    if (await this.#source.hasForeign(node)) return identityOfDefinition(definition);
    return await this.combine(node);
  }

  /** The identity by what the inputs are, whatever the definition's record says. */
  async combine(node: Node<R>): Promise<Identity> {
    const { map } = await node.early;
    const parts = await Promise.all(node.inputs.map((input, i) => this.#part(node.vertex, input, map.deps[i] ?? {})));
    return combineIdentity(map, parts, node.vertex.ignoreCache === true);
  }

  /** A definition led to this identity: the next solve may know it before anything runs. */
  remember(node: Node<R>, { digest, volatile, parts }: Identity): void {
    const { definition } = node.known ?? {};
    if (definition === undefined || !definition.isOpen || definition.volatile || volatile) return;
    const inputs = (parts ?? []).map((part, i): DefinitionInput => {
      if (part.identity.volatile) return {};
      const { identity, content } = part;
      const name = content === undefined ? undefined : this.#nameOf(identity.digest, part.index, node.inputs[i]);
      return {
        identity: identity.digest,
        ...(content === undefined ? {} : { content }),
        ...(name === undefined ? {} : { result: name }),
      };
    });
    this.#source.cache.saveDefinition(definition.digest, { identity: digest, inputs });
  }

  /** A result was made anew although parts of the stored one stand in keys: are they still true? */
  async checkAssumptions(node: Node<R>, identity: Identity, results: readonly R[]): Promise<void> {
    for (const { index, dep, reader, content } of node.assumed.values()) {
      const now = await this.#digestResult(reader, node.vertex, results[index] as R, dep, identity);
      if (now !== content) throw new StaleAssumption(node.vertex.name);
    }
  }

  async #partBefore(
    reader: Vertex<R>,
    input: NodeEdge<R>,
    dep: CacheDep<R>,
  ): Promise<{ readonly part?: KeyPart; readonly definition: DefinitionPart }> {
    const early = await input.node.early;
    const { identity } = early;
    const { index } = input;
    const { selector } = dep;
    const isRead = dep.computeDigest !== undefined;
    if (isRead && identity !== undefined && isLocal(input.node)) {
      const content = await this.#contentOf(reader, input, identity, dep);
      return { part: { identity, index, selector, content }, definition: { content } };
    }
    const definition = { definition: early.definition, index, selector, isRead };
    if (identity === undefined) return { definition };
    if (!isRead) return { part: { identity, index, selector }, definition };
    const content = this.#remembered(reader, input, identity, dep);
    return content === undefined ? { definition } : { part: { identity, index, selector, content }, definition };
  }

  async #part(reader: Vertex<R>, input: NodeEdge<R>, dep: CacheDep<R>): Promise<KeyPart> {
    const identity = await this.identify(input.node);
    const part = { identity, index: input.index, selector: dep.selector };
    if (dep.computeDigest === undefined) {
      // The reader waits for contents. Nothing can stand on what was never stored, so the reader will run, and need it.
      const isStored = this.#source.cache.storedName(identity.digest, input.index) !== undefined;
      if (identity.volatile || identity.refresh || !isStored) this.#source.begin(input);
      return part;
    }
    return { ...part, content: await this.#contentOf(reader, input, identity, dep) };
  }

  /** What the definition's record says, unless something is known that contradicts it. */
  #recall(
    node: Node<R>,
    map: EarlyKeys<R>['map'],
    { digest, volatile, refresh }: EarlyKeys<R>['definition'],
  ): Pick<EarlyKeys<R>, 'identity' | 'record' | 'isDoubtful'> {
    const isDoubtful = node.inputs.some((input) => input.node.known?.isDoubtful);
    if (volatile || refresh || isDoubtful) return { isDoubtful };
    const record = this.#source.cache.definition(digest);
    if (record === undefined) return { isDoubtful };
    if (this.#contradicts(node, record)) return { isDoubtful: true };
    for (const [i, { index, node: below }] of node.inputs.entries()) {
      const dep = map.deps[i];
      const content = record.inputs[i]?.content;
      if (dep?.computeDigest === undefined || content === undefined) continue;
      // Should it be made after all, and be another, this was wrong.
      below.assumed.set(`${index} ${selectorOf(dep)}`, { index, dep, reader: node.vertex, content });
    }
    return { identity: { digest: record.identity, volatile: false, refresh: false }, record, isDoubtful };
  }

  #contradicts(node: Node<R>, record: DefinitionRecord): boolean {
    return node.inputs.some((input, i) => {
      const now = input.node.known?.identity;
      const { identity, result } = record.inputs[i] ?? {};
      if (now === undefined || identity === undefined) return false;
      if (now.digest !== identity) return true;
      const name = result === undefined ? undefined : this.#nameOf(now.digest, input.index);
      return name !== undefined && name !== result;
    });
  }

  /** The name of what this solve reads there, or of what is stored. */
  #nameOf(identity: Digest, index: number, input?: NodeEdge<R>): string | undefined {
    const { cache, carried } = this.#source;
    const result = (input?.node.made ?? carried.get(identity))?.[index];
    return result === undefined ? cache.storedName(identity, index) : cache.nameOf(result);
  }

  #contentOf(reader: Vertex<R>, input: NodeEdge<R>, identity: Identity, dep: CacheDep<R>): Promise<Digest> {
    const key = `${identity.digest} ${input.index} ${selectorOf(dep)} ${identity.refresh}`;
    let content = this.#contents.get(key);
    if (content === undefined) {
      content = this.#readContent(reader, input, identity, dep);
      this.#contents.set(key, content);
    }
    return content;
  }

  async #readContent(reader: Vertex<R>, input: NodeEdge<R>, identity: Identity, dep: CacheDep<R>): Promise<Digest> {
    const content = this.#remembered(reader, input, identity, dep);
    if (content !== undefined) return content;
    const result = await this.#source.readOutput(input);
    return await this.#digestResult(reader, input.node.vertex, result, dep, identity);
  }

  #remembered(
    reader: Vertex<R>,
    { node, index }: NodeEdge<R>,
    identity: Identity,
    dep: CacheDep<R>,
  ): Digest | undefined {
    if (identity.volatile || identity.refresh || this.#source.carried.has(identity.digest)) return undefined;
    const selector = selectorOf(dep);
    const content = this.#source.cache.contentDigest(identity.digest, index, selector);
    if (content !== undefined) node.assumed.set(`${index} ${selector}`, { index, dep, reader, content });
    return content;
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
    const content = await this.#source.ask(reader, (context) =>
      computeDigest(result, { ...context, source: this.#source.reporter(source) }),
    );
    if (!identity.volatile) this.#source.cache.saveContentDigest(result, selectorOf(dep), content);
    return content;
  }
}
