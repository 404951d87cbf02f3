import type { SourceOp } from '../llb/ops.ts';
import type { OpResult } from '../llb/results.ts';
import type { SolverOp } from '../solver/types.ts';
import { type ResolvedSource, type Source, schemeOf, unknownScheme } from '../source/index.ts';
import { invalidDefinition } from './errors.ts';

/** A source op is keyed by what its source resolves to. */
export function createSourceOp(op: SourceOp, sources: readonly Source[]): SolverOp<OpResult> {
  let resolved: ResolvedSource | undefined;
  return {
    async cacheMap({ signal }) {
      const { scheme } = schemeOf(op.identifier);
      const source = sources.find((candidate) => candidate.scheme === scheme);
      if (source === undefined) {
        throw unknownScheme(
          op.identifier,
          sources.map((known) => known.scheme),
        );
      }
      resolved = await source.resolve(op, { signal });
      return { digest: resolved.digest, deps: [], cacheable: resolved.cacheable };
    },
    async exec(_, { signal, vertex }) {
      if (resolved === undefined) throw invalidDefinition(`${op.identifier} was never resolved`);
      const onTask = vertex.task.bind(vertex);
      return [await resolved.fetch({ signal, onTask })];
    },
  };
}
