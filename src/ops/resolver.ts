import { createContentReader } from './content.ts';
import { createExecOp } from './exec.ts';
import { createFileOp } from './file.ts';
import { createMergeOp } from './merge.ts';
import { onPresentTrees } from './present.ts';
import { createSourceOp } from './source.ts';
import type { OpDependencies, OpResolver } from './types.ts';

/** The behaviour of each kind of op, for one build. */
export function createOpResolver(deps: OpDependencies): OpResolver {
  const content = createContentReader(deps.native, deps.snapshotter, deps.statCacheDirectory, deps.listDirectory);
  return (op, about) => {
    switch (op.type) {
      case 'source':
        return createSourceOp(op, deps.sources);
      case 'file':
        return onPresentTrees(createFileOp(op, deps, content, about?.inputNames), deps.trees);
      case 'exec':
        return onPresentTrees(createExecOp(op, deps, content, about?.inputNames), deps.trees);
      case 'merge':
        return createMergeOp(op, deps);
    }
  };
}
