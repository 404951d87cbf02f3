import { type Digest, digestEncoded, digestOf } from '../oci/index.ts';

/**
 * A persistent map with a digest of its content: setting a key makes another map that shares all but a few nodes with the one
 * before, and a digest is only worked out where nodes are new. So a thousand versions of a large map cost little more
 * than the last. A trie by the digest of the key, sixteen ways at each node; nothing is ever taken out, so that equal content
 * has the same shape however it came about.
 */
export class MerkleMap<V> {
  readonly #root: Node<V>;
  readonly #describe: (value: V) => string;

  /** `describe` gives what of a value counts for the digest. */
  constructor(describe: (value: V) => string, root?: Node<V>) {
    this.#describe = describe;
    this.#root = root;
  }

  get(key: string): V | undefined {
    const path = pathOf(key);
    let node = this.#root;
    for (let depth = 0; node instanceof Branch; depth++) node = node.children[digitAt(path, depth)];
    return node?.path === path ? node.value : undefined;
  }

  set(key: string, value: V): MerkleMap<V> {
    return new MerkleMap(this.#describe, insert(this.#root, new Leaf(pathOf(key), key, value), 0));
  }

  /**
   * Entries that no map was seen with before, in no order: what a thousand versions of a map hold is gone through in little more time than
   * the last. An entry may come more than once. `seen` is the caller's, the same for all of them.
   */
  *newEntries(seen: WeakSet<object>): IterableIterator<readonly [key: string, value: V]> {
    const nodes: Node<V>[] = [this.#root];
    while (nodes.length > 0) {
      const node = nodes.pop();
      if (node === undefined || seen.has(node)) continue;
      seen.add(node);
      if (node instanceof Leaf) yield [node.key, node.value];
      else nodes.push(...node.children);
    }
  }

  get digest(): Digest {
    return this.#root?.digest(this.#describe) ?? EMPTY;
  }
}

type Node<V> = Leaf<V> | Branch<V> | undefined;

const EMPTY = digestOf('');
const WAYS = 16;

class Leaf<V> {
  readonly path: string;
  readonly key: string;
  readonly value: V;
  #digest: Digest | undefined;

  constructor(path: string, key: string, value: V) {
    this.path = path;
    this.key = key;
    this.value = value;
  }

  digest(describe: (value: V) => string): Digest {
    this.#digest ??= digestOf(JSON.stringify([this.key, describe(this.value)]));
    return this.#digest;
  }
}

class Branch<V> {
  readonly children: readonly Node<V>[];
  #digest: Digest | undefined;

  constructor(children: readonly Node<V>[]) {
    this.children = children;
  }

  digest(describe: (value: V) => string): Digest {
    this.#digest ??= digestOf(this.children.map((child) => child?.digest(describe) ?? '').join());
    return this.#digest;
  }
}

/** The depth is bounded by the length of a path, and two keys never have the same one. */
function insert<V>(node: Node<V>, leaf: Leaf<V>, depth: number): Leaf<V> | Branch<V> {
  if (node === undefined || (node instanceof Leaf && node.path === leaf.path)) return leaf;
  const branch = node instanceof Branch ? node : insert(new Branch<V>(Array(WAYS).fill(undefined)), node, depth);
  if (!(branch instanceof Branch)) return leaf;
  const digit = digitAt(leaf.path, depth);
  return new Branch(branch.children.with(digit, insert(branch.children[digit], leaf, depth + 1)));
}

/** Keys are few and looked up again and again: a digest each time would be more than half of all that a cached build hashes. */
const paths = new Map<string, string>();
const MAX_PATHS = 4096;

function pathOf(key: string): string {
  let path = paths.get(key);
  if (path === undefined) {
    path = digestEncoded(digestOf(key));
    if (paths.size === MAX_PATHS) paths.clear();
    paths.set(key, path);
  }
  return path;
}

function digitAt(path: string, depth: number): number {
  return Number.parseInt(path.charAt(depth), WAYS);
}
