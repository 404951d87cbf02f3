import type { MergeOp } from '../llb/ops.ts';
import type { OpResult } from '../llb/results.ts';
import { digestOf } from '../oci/index.ts';
import type { SolverOp } from '../solver/types.ts';
import { invalidDefinition } from './errors.ts';
import type { OpDependencies } from './types.ts';

/**
 * COPY --link: layers laid over a tree. Keyed by what the inputs are, never by what is in them: no file of them is read, so a merge
 * costs the same whatever its size, and a layer over another base is the layer that it was.
 */
export function createMergeOp(op: MergeOp, { snapshotter }: Pick<OpDependencies, 'snapshotter'>): SolverOp<OpResult> {
  return {
    async cacheMap() {
      return { digest: digestOf('merge'), deps: op.inputs.map(() => ({})) };
    },

    async exec(inputs) {
      let top: string | undefined;
      for (const input of inputs) {
        if (input.kind === 'local') throw invalidDefinition('a directory of the user cannot be merged');
        if (top === undefined) {
          top = input.name;
          continue;
        }
        const layers = input.name === undefined ? [] : snapshotter.chain(input.name);
        for (const layer of layers) top = (await snapshotter.link(top, layer)).name;
      }
      return [{ kind: 'snapshot', name: top }];
    },
  };
}
