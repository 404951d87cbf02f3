import type { SourceOp } from '../llb/ops.ts';
import type { OpResult } from '../llb/results.ts';
import type { OpContext, SolverOp } from '../solver/types.ts';
import { type ResolvedSource, type Source, type SourceOptions, schemeOf, unknownScheme } from '../source/index.ts';
import { invalidDefinition } from './errors.ts';

/** A source op is keyed by what its source resolves to. */
export function createSourceOp(op: SourceOp, sources: readonly Source[]): SolverOp<OpResult> {
  let resolved: ResolvedSource | undefined;
  return {
    async cacheMap(context) {
      resolved = await resolveSource(op, sources, toSourceOptions(context));
      return { digest: resolved.digest, deps: [], cacheable: resolved.cacheable };
    },
    async exec(_, context) {
      if (resolved === undefined) throw invalidDefinition(`${op.identifier} was never resolved`);
      return [await resolved.fetch(toSourceOptions(context))];
    },
  };
}

/** Looks at what an op names, in the source that serves its scheme. Throws `SOURCE_UNSUPPORTED`. */
export async function resolveSource(
  op: SourceOp,
  sources: readonly Source[],
  options: SourceOptions,
): Promise<ResolvedSource> {
  const { scheme } = schemeOf(op.identifier);
  const source = sources.find(({ schemes }) => schemes.includes(scheme));
  if (source === undefined) {
    throw unknownScheme(
      op.identifier,
      sources.flatMap(({ schemes }) => schemes),
    );
  }
  return await source.resolve(op, options);
}

function toSourceOptions({ signal, vertex }: OpContext): SourceOptions {
  return { signal, onTask: vertex.task.bind(vertex), onLog: (data) => vertex.log(2, data) };
}
