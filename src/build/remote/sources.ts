import type { SourceRange } from '../../dockerfile/position.ts';
import type { Definition, SourceOp } from '../../llb/ops.ts';

/** A source op of a graph, and the instruction that it is for. */
export interface PlacedSource {
  readonly op: SourceOp;
  readonly range: SourceRange | undefined;
}

/** What graphs read that is no directory of this machine, each once. */
export function listRemoteSources(definitions: Iterable<Definition>): readonly PlacedSource[] {
  const found = new Map<string, PlacedSource>();
  for (const { ops, metadata } of definitions)
    for (const [digest, op] of ops) {
      if (op.type !== 'source' || !/^(?:https?|git|docker-image):/.test(op.identifier) || found.has(digest)) continue;
      const source = metadata.get(digest)?.source;
      found.set(digest, { op, range: source && { start: source.start, end: source.end } });
    }
  return [...found.values()];
}
