import type { MergeOp } from '../llb/ops.ts';
import type { OpResult, TreeResult } from '../llb/results.ts';
import { digestOf } from '../oci/index.ts';
import type { SolverOp } from '../solver/types.ts';
import { invalidDefinition } from './errors.ts';
import type { OpDependencies } from './types.ts';

/**
 * COPY --link: layers laid over a tree. Keyed by what the inputs are, never by what is in them: no file of them is read, so a merge
 * costs the same whatever its size, and a layer over another base is the layer that it was. Trees that are not here stay where they are.
 */
export function createMergeOp(op: MergeOp, { trees }: Pick<OpDependencies, 'trees'>): SolverOp<OpResult> {
  return {
    async cacheMap() {
      return { digest: digestOf('merge'), deps: op.inputs.map(() => ({})) };
    },

    async exec(inputs, { signal }) {
      const parts = inputs.flatMap((input): readonly TreeResult[] => {
        if (input.kind === 'local') throw invalidDefinition('a directory of the user cannot be merged');
        return input.kind === 'merged' ? input.parts : [input];
      });
      const merged = { kind: 'merged', parts } as const;
      if (parts.some(({ kind }) => kind === 'layers')) return [merged];
      return [{ kind: 'snapshot', name: await trees.snapshotOf(merged, { signal }) }];
    },
  };
}
