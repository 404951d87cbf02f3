import type { OpResult, PresentResult } from '../llb/results.ts';
import type { CacheDep, OpContext, SolverOp } from '../solver/types.ts';
import type { OpDependencies } from './types.ts';

/**
 * An op that looks into what it reads, on trees of which perhaps only the layers' names are known: these are fetched and unpacked
 * when the op has to run, or when its key needs their content.
 */
export function onPresentTrees(op: SolverOp<PresentResult>, trees: OpDependencies['trees']): SolverOp<OpResult> {
  const bring = async (result: OpResult, { signal, vertex }: OpContext): Promise<PresentResult> => {
    if (result.kind === 'snapshot' || result.kind === 'local') return result;
    return { kind: 'snapshot', name: await trees.snapshotOf(result, { signal, onTask: vertex.task.bind(vertex) }) };
  };
  return {
    async cacheMap(context) {
      const map = await op.cacheMap(context);
      return {
        ...map,
        deps: map.deps.map(({ computeDigest, ...dep }): CacheDep<OpResult> => {
          if (computeDigest === undefined) return dep;
          return {
            ...dep,
            computeDigest: async (result, reader) => computeDigest(await bring(result, reader), reader),
          };
        }),
      };
    },
    exec: async (inputs, context) => op.exec(await Promise.all(inputs.map((input) => bring(input, context))), context),
  };
}
