import type { Descriptor, Digest } from '../../oci/index.ts';

/** What is put into an exported cache: records and their results, before they have numbers. */
export interface ExportedRecord {
  readonly digest: Digest;
  /** For each input the alternatives. */
  readonly inputs: readonly (readonly ExportedLink[])[];
  result?: ExportedResult;
}

export interface ExportedLink {
  readonly selector: string;
  readonly record: ExportedRecord;
}

export interface ExportedResult {
  /** Bottom first, annotated as in the manifest. */
  readonly layers: readonly Descriptor[];
  /** RFC 3339. */
  readonly createdAt: string;
}

export interface MarshalledCache {
  /** The config's JSON. */
  readonly config: Buffer;
  /** What the config's records say, for an image's own config. */
  readonly records: readonly object[];
  /** One for each layer of the config, in its order. */
  readonly layers: readonly Descriptor[];
}

/**
 * The records of an exported cache. Equal ones are one, and so are those that say the same work of the same inputs in part by other
 * words: BuildKit refuses a record that fits two others.
 */
export class CacheChains {
  readonly #byDigest = new Map<Digest, ExportedRecord[]>();
  readonly #merged = new Map<ExportedRecord, ExportedRecord>();

  add(digest: Digest, inputs: readonly (readonly ExportedLink[])[], result?: ExportedResult): ExportedRecord {
    const resolved = inputs.map((links) =>
      uniqueLinks(links.map(({ selector, record }) => ({ selector, record: this.#resolve(record) }))),
    );
    const others = this.#byDigest.get(digest) ?? [];
    const same = others.filter((other) => sayTheSame(other.inputs, resolved));
    // The same work may be done again on its own outcome: by content it is the same, and stands on itself by no other way.
    const above = same.length === 0 ? undefined : this.#findAbove(new Set(same), resolved);
    const record: ExportedRecord = {
      digest,
      inputs: resolved.map((links, i) =>
        uniqueLinks([
          ...same.flatMap((other) => other.inputs[i] ?? []),
          ...links.filter((link) => above?.has(link.record) !== true),
        ]),
      ),
    };
    // The newest result is as good as any, and the one that is longest kept.
    for (const candidate of [...same.map((other) => other.result), result])
      if (candidate !== undefined && (record.result === undefined || record.result.createdAt <= candidate.createdAt))
        record.result = candidate;
    this.#byDigest.set(digest, [...others.filter((other) => !same.includes(other)), record]);
    for (const other of same) this.#merged.set(other, record);
    return record;
  }

  /** Those of the linked records that stand on one of `bottoms`, or are one. */
  #findAbove(
    bottoms: ReadonlySet<ExportedRecord>,
    links: readonly (readonly ExportedLink[])[],
  ): ReadonlySet<ExportedRecord> {
    const above = new Set<ExportedRecord>();
    for (const { record: start } of links.flat()) {
      const seen = new Set<ExportedRecord>();
      const stack = [start];
      for (let record = stack.pop(); record !== undefined; record = stack.pop()) {
        if (seen.has(record)) continue;
        seen.add(record);
        if (bottoms.has(record)) {
          above.add(start);
          break;
        }
        for (const link of record.inputs.flat()) stack.push(this.#resolve(link.record));
      }
    }
    return above;
  }

  #resolve(record: ExportedRecord): ExportedRecord {
    let at = record;
    for (let next = this.#merged.get(at); next !== undefined; next = this.#merged.get(at)) at = next;
    return at;
  }

  /**
   * The config, in an order that depends on what is in it alone (cache/remotecache/v1/utils.go, sortConfig): equal caches are
   * equal bytes. Records that lead to no result are left out.
   *
   * @param layerNumber how results name their layer: by its place in the list, or by how many are below it, as in an image
   */
  marshal({ layerNumber = 'index' }: { readonly layerNumber?: 'index' | 'depth' } = {}): MarshalledCache {
    const records = this.#usefulRecords();
    const layers = new LayerTable();
    const tops = new Map<ExportedRecord, number>();
    for (const record of records) {
      const top = layers.add(record.result?.layers ?? []);
      if (top !== undefined) tops.set(record, top);
    }
    const { sorted, indexOf, depthOf } = layers.sort();
    const numberOf = layerNumber === 'depth' ? depthOf : indexOf;
    records.sort((a, b) => compareRecords(a, b, (record) => this.#resolve(record)));
    const numbers = new Map(records.map((record, i) => [record, i]));
    const written = records.map(({ digest, inputs, result }, i) => {
      const top = tops.get(records[i] as ExportedRecord);
      return {
        ...(top === undefined || result === undefined
          ? {}
          : { layers: [{ layer: numberOf(top), createdAt: result.createdAt }] }),
        digest,
        ...(inputs.length === 0
          ? {}
          : { inputs: inputs.map((links) => writeLinks(links, (record) => numbers.get(this.#resolve(record)) ?? 0)) }),
      };
    });
    const config = {
      ...(sorted.length === 0
        ? {}
        : {
            layers: sorted.map(({ descriptor, parent }) => ({
              blob: descriptor.digest,
              ...(parent === 0 ? {} : { parent }),
            })),
          }),
      ...(written.length === 0 ? {} : { records: written }),
    };
    return {
      config: Buffer.from(JSON.stringify(config)),
      records: written,
      layers: sorted.map(({ descriptor }) => descriptor),
    };
  }

  /** Those with a result, and what they were made of. */
  #usefulRecords(): ExportedRecord[] {
    const useful = new Set<ExportedRecord>();
    const stack = [...this.#byDigest.values()].flat().filter(({ result }) => (result?.layers.length ?? 0) > 0);
    for (let record = stack.pop(); record !== undefined; record = stack.pop()) {
      if (useful.has(record)) continue;
      useful.add(record);
      for (const links of record.inputs) for (const link of links) stack.push(this.#resolve(link.record));
    }
    return [...useful];
  }
}

function sayTheSame(one: readonly (readonly ExportedLink[])[], other: readonly (readonly ExportedLink[])[]): boolean {
  return (
    one.length === other.length &&
    one.every((links, i) =>
      links.some((a) => other[i]?.some((b) => a.record === b.record && a.selector === b.selector) === true),
    )
  );
}

function uniqueLinks(links: readonly ExportedLink[]): readonly ExportedLink[] {
  const kept: ExportedLink[] = [];
  for (const link of links)
    if (!kept.some(({ record, selector }) => record === link.record && selector === link.selector)) kept.push(link);
  return kept;
}

function writeLinks(links: readonly ExportedLink[], numberOf: (record: ExportedRecord) => number): readonly object[] {
  return links
    .map(({ selector, record }) => ({ selector, link: numberOf(record) }))
    .sort((a, b) => a.link - b.link || compare(a.selector, b.selector))
    .map(({ selector, link }) => (selector === '' ? { link } : { selector, link }));
}

function compareRecords(
  a: ExportedRecord,
  b: ExportedRecord,
  resolve: (record: ExportedRecord) => ExportedRecord,
): number {
  const describe = ({ inputs }: ExportedRecord): string[] =>
    inputs.map((links) =>
      links
        .map(({ selector, record }) => `${selector} ${resolve(record).digest}`)
        .sort(compare)
        .join(),
    );
  const byDigest = compare(a.digest, b.digest) || a.inputs.length - b.inputs.length;
  if (byDigest !== 0) return byDigest;
  for (const [i, links] of a.inputs.entries()) {
    const byLength = links.length - (b.inputs[i]?.length ?? 0);
    if (byLength !== 0) return byLength;
  }
  return compare(describe(a).join(';'), describe(b).join(';'));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

interface TableLayer {
  readonly descriptor: Descriptor;
  readonly parent: number;
}

/** Layers on layers: the same blob on another one is another layer. */
class LayerTable {
  readonly #layers: TableLayer[] = [];
  readonly #byChain = new Map<string, number>();

  /** The number of the topmost one; `undefined` for none. */
  add(stack: readonly Descriptor[]): number | undefined {
    let top = -1;
    for (const descriptor of stack) {
      const key = `${top} ${descriptor.digest}`;
      let index = this.#byChain.get(key);
      if (index === undefined) {
        index = this.#layers.push({ descriptor, parent: top }) - 1;
        this.#byChain.set(key, index);
      }
      top = index;
    }
    return top < 0 ? undefined : top;
  }

  /** By blob, and equal blobs by what they stand on. */
  sort(): {
    readonly sorted: readonly TableLayer[];
    readonly indexOf: (index: number) => number;
    readonly depthOf: (index: number) => number;
  } {
    const chain = (index: number): string => {
      const parts: string[] = [];
      for (let at = index; at >= 0; at = this.#layers[at]?.parent ?? -1)
        parts.push(this.#layers[at]?.descriptor.digest ?? '');
      return parts.join(' ');
    };
    const chains = this.#layers.map((_, i) => chain(i));
    const order = [...this.#layers.keys()].sort((a, b) => compare(chains[a] ?? '', chains[b] ?? ''));
    const positions = new Map(order.map((index, position) => [index, position]));
    const indexOf = (index: number): number => (index < 0 ? -1 : (positions.get(index) ?? -1));
    const sorted = order.map((index) => {
      const { descriptor, parent } = this.#layers[index] as TableLayer;
      return { descriptor, parent: indexOf(parent) };
    });
    const depthOf = (index: number): number => {
      let depth = -1;
      for (let at = index; at >= 0; at = this.#layers[at]?.parent ?? -1) depth++;
      return depth;
    };
    return { sorted, indexOf, depthOf };
  }
}
