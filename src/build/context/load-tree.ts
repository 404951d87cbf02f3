import { remoteState } from '../../dockerfile/convert/index.ts';
import { marshal } from '../../llb/index.ts';
import type { Snapshotter } from '../../snapshot/snapshotter.ts';
import type { Engine } from '../engine.ts';
import type { TreeLoader } from './dockerfile.ts';

/** Fetches contexts by the engine of the build, so that its own graph finds them there. */
export function createTreeLoader(
  engine: Engine,
  snapshotter: Pick<Snapshotter, 'view'>,
  signal: AbortSignal,
): TreeLoader {
  return async (context) => {
    const result = await engine.solve(marshal(remoteState(context)), signal);
    const [root, ...below] = result?.kind === 'snapshot' && result.name ? snapshotter.view(result.name).lowers : [];
    if (root === undefined || below.length > 0)
      throw new TypeError(`${context.identifier} did not become one tree of its own`);
    return root;
  };
}
