import { type FileAction, fileState, mergeState, type OpMetadata, type State } from '../../llb/index.ts';

/**
 * COPY --link: the actions work on an empty tree, and what they make is laid over the stage. So the layer depends on nothing
 * below it: it is the same on any base, and neither follows symlinks there nor is lost when the base changes.
 */
export function linkedState(
  below: State | undefined,
  inputs: readonly State[],
  base: number,
  actions: readonly FileAction[],
  metadata: OpMetadata,
): State {
  // The base was the first input, if there was one; the layer has none.
  const read = base < 0 ? inputs : inputs.slice(1);
  const shifted = actions.map((action) =>
    action.type === 'copy' && action.input > 0 && base >= 0 ? { ...action, input: action.input - 1 } : action,
  );
  const layer = fileState(read, -1, shifted, metadata);
  return below === undefined ? layer : mergeState([below, layer], metadata);
}
