import type { Definition, Op } from '../llb/ops.ts';
import type { OpResult } from '../llb/results.ts';
import type { Digest } from '../oci/index.ts';
import type { Edge, Vertex } from '../solver/types.ts';
import { invalidDefinition } from './errors.ts';
import type { OpResolver } from './types.ts';

/**
 * Makes the solver's graph of a definition, whose ops stand in an order where inputs come first. `undefined` is the empty tree.
 * Throws `GRAPH_INVALID`.
 */
export function loadDefinition(definition: Definition, resolveOp: OpResolver): Edge<OpResult> | undefined {
  const { ops, metadata, head } = definition;
  const vertices = new Map<Digest, Vertex<OpResult>>();
  const edgeTo = (digest: Digest, index: number): Edge<OpResult> => {
    const vertex = vertices.get(digest);
    if (vertex === undefined) throw invalidDefinition(`${digest} is used before it is defined`);
    return { vertex, index };
  };
  for (const [digest, op] of ops) {
    const about = metadata.get(digest);
    vertices.set(digest, {
      digest,
      name: about?.name ?? describeOp(op),
      inputs: op.inputs.map((input) => edgeTo(input.digest, input.index)),
      op: resolveOp(op, about),
      ...(about?.ignoreCache === undefined ? {} : { ignoreCache: about.ignoreCache }),
    });
  }
  return head === undefined ? undefined : edgeTo(head.digest, head.index);
}

function describeOp(op: Op): string {
  switch (op.type) {
    case 'source':
      return op.identifier;
    case 'exec':
      return op.meta.args.join(' ');
    case 'merge':
      return 'merge';
    case 'file':
      return op.actions.map((action) => action.type).join(', ');
  }
}
