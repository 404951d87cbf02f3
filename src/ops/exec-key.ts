import { digestOp } from '../llb/index.ts';
import type { ExecMount, ExecOp } from '../llb/ops.ts';
import type { Digest } from '../oci/index.ts';

/**
 * The part of an exec op's key that is not in its inputs, as in BuildKit (solver/llbsolver/ops/exec.go, CacheMap): which vertices
 * the inputs are is left to the inputs' own keys, what is mounted of them to selectors and content, and addresses of extra
 * hosts are like proxies: they change from one network to the next and do not make another result. Which cache is mounted, and how
 * it is shared, counts no more than what is in it.
 */
export function execKey(op: ExecOp): Digest {
  const { extraHosts, ...meta } = op.meta;
  return digestOp({
    ...op,
    inputs: [],
    meta: {
      ...meta,
      ...(extraHosts === undefined ? {} : { extraHosts: extraHosts.map(({ host }) => ({ host, ip: '' })) }),
    },
    mounts: op.mounts.map(mountKey),
  });
}

function mountKey(mount: ExecMount): ExecMount {
  // No step's result may depend on what a cache holds, so neither on which cache it is.
  if (mount.type === 'cache') {
    const { owned: _, ...cache } = mount;
    return { ...cache, selector: '', id: '', sharing: 'shared' };
  }
  return 'selector' in mount ? { ...mount, selector: '' } : mount;
}
