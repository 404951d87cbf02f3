import type { Digest } from '../../oci/index.ts';
import type { CacheRecord } from './config.ts';

/** Records by what they were made of. */
export interface RecordIndex {
  /** Of records that were made of nothing: sources, and contents. */
  roots(digest: Digest): readonly number[];
  /** Of records with this digest for which every input is one of the given alternatives. */
  find(digest: Digest, inputs: readonly (readonly Alternative[])[]): readonly number[];
}

/** A way in which an input may be said. */
export interface Alternative {
  readonly selector: string;
  readonly record: number;
}

export function indexRecords(records: readonly CacheRecord[]): RecordIndex {
  const roots = new Map<Digest, number[]>();
  const links = new Map<string, number[]>();
  const add = <K>(map: Map<K, number[]>, key: K, record: number): void => {
    const known = map.get(key);
    if (known === undefined) map.set(key, [record]);
    else known.push(record);
  };
  for (const [record, { digest, inputs }] of records.entries()) {
    if (inputs.length === 0) add(roots, digest, record);
    for (const [input, alternatives] of inputs.entries())
      for (const { link, selector } of alternatives) add(links, linkKey(digest, input, selector, link), record);
  }
  return {
    roots: (digest) => roots.get(digest) ?? [],
    find(digest, inputs) {
      let found: ReadonlySet<number> | undefined;
      for (const [input, alternatives] of inputs.entries()) {
        const here = new Set<number>();
        for (const { selector, record } of alternatives)
          for (const reader of links.get(linkKey(digest, input, selector, record)) ?? [])
            if (found === undefined || found.has(reader)) here.add(reader);
        if (here.size === 0) return [];
        found = here;
      }
      // A record of more inputs than the op has is another op's.
      return [...(found ?? [])].filter((record) => records[record]?.inputs.length === inputs.length);
    },
  };
}

function linkKey(digest: Digest, input: number, selector: string, link: number): string {
  return `${link} ${input} ${selector} ${digest}`;
}
