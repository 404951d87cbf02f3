import type { Digest } from '../oci/index.ts';
import { graphCycle } from './errors.ts';
import type { Definition, Identity } from './identity.ts';
import type { CacheDep, CacheMap, DefinitionRecord, Edge, Vertex } from './types.ts';

/** A vertex within one solve: vertices with equal digests are one node. */
export interface Node<R> {
  readonly vertex: Vertex<R>;
  readonly inputs: readonly NodeEdge<R>[];
  /** Settles when all is known of its keys that can be without running anything. */
  early: Promise<EarlyKeys<R>>;
  /** The same, once it has settled. */
  known?: EarlyKeys<R>;
  /** Set as soon as somebody needs to know under which key the result lies. */
  identity?: Promise<Identity>;
  /** The same, once it has settled. */
  identified?: Identity;
  /** Set as soon as somebody needs the results. */
  results?: Promise<readonly R[]>;
  /** The same, once it has settled. */
  made?: readonly R[];
  /** What a foreign cache gave; `null`: nothing, by the definition. */
  foreign?: readonly R[] | null;
  /** Remembered content digests that other keys were built on, by selector: true only as long as the stored result is. */
  readonly assumed: Map<string, Assumption<R>>;
}

export interface NodeEdge<R> {
  readonly node: Node<R>;
  readonly index: number;
}

/** What is known of a vertex's keys before anything runs. */
export interface EarlyKeys<R> {
  readonly map: CacheMap<R>;
  readonly definition: Definition;
  /** Absent where an input has to be made first. */
  readonly identity?: Identity;
  /** The identity is what this record of the definition says. */
  readonly record?: DefinitionRecord;
  /** The record of the definition, or of one below, is known not to hold any more. */
  readonly isDoubtful: boolean;
}

interface Assumption<R> {
  readonly index: number;
  readonly dep: CacheDep<R>;
  readonly reader: Vertex<R>;
  readonly content: Digest;
}

/** An input that is looked at where it lies, in every solve: to read it makes nothing. */
export function isLocal<R>({ inputs, known }: Node<R>): boolean {
  return known?.map.cacheable === false && inputs.length === 0;
}

/**
 * The nodes below an edge, inputs before what reads them. Walks with a stack of its own: a graph may be deeper than the
 * call stack. Throws `GRAPH_CYCLE`.
 */
export function collectNodes<R>(head: Edge<R>): readonly Node<R>[] {
  const nodes = new Map<Digest, Node<R>>();
  const open = new Set<Digest>();
  const stack: Vertex<R>[] = [head.vertex];
  for (let vertex = stack.at(-1); vertex !== undefined; vertex = stack.at(-1)) {
    const { digest } = vertex;
    if (nodes.has(digest)) {
      stack.pop();
      continue;
    }
    if (!open.has(digest)) {
      open.add(digest);
      for (let i = vertex.inputs.length - 1; i >= 0; i--) {
        const input = vertex.inputs[i]?.vertex;
        if (input === undefined || nodes.has(input.digest)) continue;
        if (open.has(input.digest)) throw graphCycle(input.name);
        stack.push(input);
      }
      if (stack.at(-1) !== vertex) continue;
    }
    stack.pop();
    nodes.set(digest, makeNode(vertex, nodes));
  }
  return [...nodes.values()];
}

function makeNode<R>(vertex: Vertex<R>, nodes: ReadonlyMap<Digest, Node<R>>): Node<R> {
  const inputs = vertex.inputs.map(({ vertex: input, index }) => {
    const node = nodes.get(input.digest);
    // Only a vertex whose equal twin is still open further down the stack is missing here.
    if (node === undefined) throw graphCycle(input.name);
    return { node, index };
  });
  return { vertex, inputs, early: NOT_STARTED, assumed: new Map() };
}

const NOT_STARTED: Promise<never> = Promise.reject(new Error('the solve has not started'));
NOT_STARTED.catch(() => {});
