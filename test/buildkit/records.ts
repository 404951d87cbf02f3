import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Digest } from '../../src/oci/index.ts';
import type { KeyedOp } from './graph.ts';

/** Of a blob `application/vnd.buildkit.cacheconfig.v0`. */
export interface CacheRecord {
  readonly digest: Digest;
  readonly layers?: readonly unknown[];
  readonly inputs?: readonly (readonly { readonly selector?: Digest; readonly link: number }[])[];
}

/** The records of a cache that was exported with type=local. */
export function readRecords(directory: string): readonly CacheRecord[] {
  const blob = (digest: string): string => readFileSync(join(directory, 'blobs', ...digest.split(':')), 'utf8');
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
  const manifest = JSON.parse(blob(index.manifests[0].digest));
  return JSON.parse(blob(manifest.config.digest)).records;
}

/** How each record was found by the keys, or why not. */
export interface Comparison {
  /** Differences, one line each. */
  readonly faults: readonly string[];
  /** Records of steps that were found, with all their links. */
  readonly found: number;
}

/**
 * Looks for the record of every op, and of each link of it: to what made an input, and to what was read of it. Records that no op explains
 * are faults too.
 */
export function compareRecords(records: readonly CacheRecord[], graph: ReadonlyMap<Digest, KeyedOp>): Comparison {
  const faults: string[] = [];
  const explained = new Set<number>();
  // By op, the numbers of its records.
  const made = new Map<Digest, readonly number[]>();
  const numbersOf = (digest: Digest): number[] =>
    records.flatMap((record, number) => (record.digest === digest ? [number] : []));
  /** Of steps that only BuildKit has. */
  const stepsOn = (digest: Digest, below: readonly number[]): number[] => {
    const steps = numbersOf(digest).filter((number) => {
      const links = records[number]?.inputs?.flat() ?? [];
      return links.length > 0 && links.every(({ link, selector }) => selector === undefined && below.includes(link));
    });
    for (const step of steps) explained.add(step);
    return steps;
  };
  let found = 0;
  for (const [digest, { name, op, key, contents }] of graph) {
    const expected = (key?.deps ?? []).map((dep, i) => {
      const input = op.inputs[dep.input];
      const below = (input && made.get(input.digest)) ?? [];
      const byMaker = dep.fixed ? numbersOf(dep.fixed.record) : dep.step ? stepsOn(dep.step, below) : below;
      const content = contents[i];
      return [
        ...byMaker.map((link) => ({ link, selector: dep.selector })),
        ...(content === undefined ? [] : numbersOf(content).map((link) => ({ link, selector: '' }))),
      ];
    });
    const isExpected = (i: number, link: number, selector: string): boolean =>
      expected[i]?.some((known) => known.link === link && known.selector === selector) ?? false;
    // Another step may have the same digest, on other inputs.
    const steps = (key?.outputs[0] ?? []).flatMap(numbersOf).filter((step) => {
      const { inputs = [] } = records[step] ?? {};
      return (
        inputs.length === expected.length &&
        inputs.every((links, i) => links.some(({ link, selector = '' }) => isExpected(i, link, selector)))
      );
    });
    // What git writes into its own directory is another thing each time it does.
    const isOfGitDirectory = (i: number, link: number, selector: string): boolean => {
      const source = graph.get(op.inputs[key?.deps[i]?.input ?? -1]?.digest ?? 'sha256:')?.op;
      const keeps = source?.type === 'source' && source.attrs['git.keepgitdir'] === 'true';
      return keeps && selector === '' && records[link]?.inputs === undefined;
    };
    made.set(digest, steps);
    for (const step of steps) explained.add(step);
    if (op.type === 'source') continue;
    if (steps.length > 0) found++;
    else {
      const others = (key?.outputs[0] ?? []).flatMap(numbersOf).map((step) => JSON.stringify(records[step]));
      faults.push(
        `${name}: no record; of that digest: ${others.join() || 'none'}; expected: ${JSON.stringify(expected)}`,
      );
    }
    for (const step of steps) {
      for (const [i, links] of (records[step]?.inputs ?? []).entries()) {
        for (const { link, selector = '' } of links) {
          if (isExpected(i, link, selector) || isOfGitDirectory(i, link, selector)) explained.add(link);
          else faults.push(`${name}: input ${i} has an unknown link, selector ${selector || 'none'} to ${link}`);
        }
      }
    }
  }
  for (const [number, record] of records.entries())
    if (!explained.has(number)) faults.push(`record ${number} is nobody's: ${JSON.stringify(record)}`);
  return { faults, found };
}
