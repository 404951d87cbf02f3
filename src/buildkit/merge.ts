import type { MergeOp } from '../llb/ops.ts';
import { digestOf } from '../oci/index.ts';
import { given, goJson, recordDigest } from './form.ts';
import type { BuildKitKey } from './types.ts';

/** COPY --link's second half (solver/llbsolver/ops/merge.go): which trees, and nothing of what is in them. */
export function mergeKey({ inputs }: MergeOp): BuildKitKey {
  const form = { Type: 'buildkit.merge.v0', Merge: { inputs: inputs.map((_, input) => ({ input: given(input) })) } };
  return {
    outputs: [[recordDigest(digestOf(goJson(form)), 0)]],
    deps: inputs.map((_, input) => ({ input, selector: '' })),
  };
}
