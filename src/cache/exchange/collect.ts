import type { BuildKitDep, BuildKitKey } from '../../buildkit/types.ts';
import type { Definition } from '../../llb/ops.ts';
import type { OpResult } from '../../llb/results.ts';
import type { Digest } from '../../oci/index.ts';
import { CacheChains, type ExportedLink, type ExportedRecord, type ExportedResult } from './chains.ts';
import type { LayerPacker, PlainLayer } from './layers.ts';

/** What is known of a build that has ended. */
export interface BuiltGraph {
  readonly definition: Definition;
  /** BuildKit's key of a vertex. */
  readonly keyOf: (vertex: Digest) => Promise<BuildKitKey | undefined>;
  /** The results that a vertex has, made or found; `undefined` when nobody needed them and none are stored. */
  readonly resultsOf: (vertex: Digest) => Promise<readonly OpResult[] | undefined>;
  /** The record digest of what a vertex reads of an input, where that can be told without fetching anything. */
  readonly contentOf: (vertex: Digest, dep: BuildKitDep) => Promise<Digest | undefined>;
}

/**
 * Puts what a build made into records, in the order of its graph. Those whose results are not wanted are there to lead to others.
 *
 * @param accepts whether layers, by their diffIDs, are a result that the cache is to have
 */
export async function collectRecords(
  graph: BuiltGraph,
  packer: Pick<LayerPacker, 'layersOf'>,
  accepts: (diffIDs: readonly Digest[]) => boolean,
  describe: (layers: readonly PlainLayer[]) => Promise<ExportedResult> | ExportedResult,
): Promise<CacheChains> {
  const chains = new CacheChains();
  /** Records of each output of each vertex. */
  const records = new Map<Digest, readonly (readonly ExportedRecord[])[]>();
  for (const [vertex, op] of graph.definition.ops) {
    const key = await graph.keyOf(vertex);
    if (key === undefined) continue;
    const inputs: (readonly ExportedLink[])[] = [];
    for (const dep of key.deps) inputs.push(await linksOf(dep));
    // What is not known cannot be asked for.
    if (inputs.some((links) => links.length === 0)) continue;
    const results = op.type === 'source' ? undefined : await graph.resultsOf(vertex);
    const outputs: (readonly ExportedRecord[])[] = [];
    for (const [output, digests] of key.outputs.entries()) {
      const result = await describeResult(results?.[output]);
      outputs.push(digests.map((digest) => chains.add(digest, inputs, result)));
    }
    records.set(vertex, outputs);

    async function linksOf(dep: BuildKitDep): Promise<readonly ExportedLink[]> {
      const { fixed, step, selector } = dep;
      if (fixed !== undefined)
        return [
          { selector, record: chains.add(fixed.record, []) },
          { selector: '', record: chains.add(fixed.content, []) },
        ];
      const input = op.inputs[dep.input];
      const below = input === undefined ? [] : (records.get(input.digest)?.[input.index] ?? []);
      const made =
        step === undefined || below.length === 0
          ? below
          : [chains.add(step, [below.map((record) => ({ selector: '', record }))])];
      const content = dep.contentDigest === undefined ? undefined : await graph.contentOf(vertex, dep);
      return [
        ...made.map((record) => ({ selector, record })),
        ...(content === undefined ? [] : [{ selector: '', record: chains.add(content, []) }]),
      ];
    }
  }
  return chains;

  async function describeResult(result: OpResult | undefined) {
    if (result === undefined || result.kind === 'local') return undefined;
    const layers = await packer.layersOf(result);
    const diffIDs = layers.map(({ diffID }) => diffID);
    return layers.length === 0 || !accepts(diffIDs) ? undefined : describe(layers);
  }
}
