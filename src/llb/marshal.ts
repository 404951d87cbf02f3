import type { Digest } from '../oci/index.ts';
import type { Definition, Op, OpMetadata } from './ops.ts';
import type { State, StateNode } from './state.ts';

/**
 * The graph below a state as a definition: each op once, inputs before what reads them. Where two places made the same
 * op it has the name and source of the first, and runs without cache when one of them asked for that.
 */
export function marshal(head: State | undefined): Definition {
  const ops = new Map<Digest, Op>();
  const metadata = new Map<Digest, OpMetadata>();
  // A stack instead of recursion: a stage of ten thousand instructions is a chain of ten thousand ops.
  const stack: { readonly node: StateNode; expanded: boolean }[] = [];
  if (head !== undefined) stack.push({ node: head.node, expanded: false });
  const visited = new Set<StateNode>();
  for (let entry = stack.at(-1); entry !== undefined; entry = stack.at(-1)) {
    const { node } = entry;
    if (!entry.expanded && !visited.has(node)) {
      visited.add(node);
      entry.expanded = true;
      for (const input of node.inputs.toReversed())
        if (!visited.has(input.node)) stack.push({ node: input.node, expanded: false });
      continue;
    }
    stack.pop();
    if (!entry.expanded) continue;
    const known = metadata.get(node.digest);
    if (known === undefined) {
      ops.set(node.digest, node.op);
      metadata.set(node.digest, node.metadata);
    } else if (node.metadata.ignoreCache && !known.ignoreCache) {
      metadata.set(node.digest, { ...known, ignoreCache: true });
    }
  }
  return {
    ops,
    metadata,
    head: head === undefined ? undefined : { digest: head.node.digest, index: head.index },
  };
}
