import { createHash } from 'node:crypto';
import type { SurveyTreeResult } from '../../native/types.ts';
import type { Digest } from '../../oci/index.ts';

/**
 * A tree cut into parts that travel as blobs of their own. All directories are one part, the files in the order of their paths many,
 * further names of files (hardlinks) the last one. Where a part of files ends depends on a hash of the path there, so a file that
 * comes or goes changes the part that it is in and hardly another.
 */
export interface Part {
  readonly kind: 'directories' | 'files' | 'links';
  /** For `packPart`. */
  readonly paths: Buffer;
  readonly targets?: Buffer;
  readonly entries: number;
  /** Of files and symlinks' targets. */
  readonly bytes: number;
  /** Changes with everything that could change the part's blob. */
  readonly fingerprint: Digest;
}

const MIN_PART_BYTES = 2 * 1024 ** 2;
const MAX_PART_BYTES = 64 * 1024 ** 2;
/** About so many parts, where their size allows. */
const PARTS = 256;
/** What an entry costs beside its content. */
export const ENTRY_BYTES = 1024;

/** Which entries travel; absent: all. */
export type Selection = Uint8Array;

/** The paths of a survey, byte by byte as they are. */
export class SurveyPaths {
  readonly #paths: Buffer;
  readonly #ends: Float64Array;

  constructor({ paths, types }: Pick<SurveyTreeResult, 'paths' | 'types'>) {
    this.#paths = paths;
    this.#ends = new Float64Array(types.length);
    let end = -1;
    for (let i = 0; i < types.length; i++) {
      end = paths.indexOf(0, end + 1);
      this.#ends[i] = end;
    }
  }

  /** With the zero byte that ends it. */
  bytes(index: number): Buffer {
    return this.#paths.subarray(this.#start(index), (this.#ends[index] ?? 0) + 1);
  }

  text(index: number): string {
    return this.#paths.toString('utf8', this.#start(index), this.#ends[index]);
  }

  #start(index: number): number {
    return index === 0 ? 0 : (this.#ends[index - 1] ?? 0) + 1;
  }
}

export function planParts(survey: SurveyTreeResult, keep?: Selection): readonly Part[] {
  const { types, sizes, hashes, firsts } = survey;
  const paths = new SurveyPaths(survey);
  const isKept = (index: number): boolean => keep === undefined || keep[index] === 1;
  // The first name of a file may be one that stays behind: then the next one stands for it.
  const firstKept = new Map<number, number>();
  const directories: number[] = [];
  const links: number[] = [];
  const linkTargets: number[] = [];
  const parts: Part[] = [];
  const limit = partSize(totalBytes(survey, keep));
  let files: number[] = [];
  let filled = 0;
  const endPart = (): void => {
    if (files.length > 0) parts.push(makePart('files', survey, paths, files));
    files = [];
    filled = 0;
  };
  for (let i = 0; i < types.length; i++) {
    if (!isKept(i)) continue;
    if (types[i] === 'd') {
      directories.push(i);
      continue;
    }
    const group = firsts[i] ?? -1;
    const first = group < 0 ? undefined : firstKept.get(group);
    if (first !== undefined) {
      links.push(i);
      linkTargets.push(first);
      continue;
    }
    if (group >= 0) firstKept.set(group, i);
    const weight = (sizes[i] ?? 0) + ENTRY_BYTES;
    const isLarge = weight >= limit;
    // A large file is alone: what is beside it does not travel again with it.
    if (isLarge) endPart();
    files.push(i);
    filled += weight;
    if (isLarge || (hashes[i] ?? 0) / 2 ** 32 < (weight / limit) * cutFactor(filled / limit)) endPart();
  }
  endPart();
  const all = [makePart('directories', survey, paths, directories), ...parts];
  if (links.length > 0) all.push(makePart('links', survey, paths, links, linkTargets));
  return all;
}

function makePart(
  kind: Part['kind'],
  { stamps, sizes }: SurveyTreeResult,
  paths: SurveyPaths,
  indexes: readonly number[],
  targets?: readonly number[],
): Part {
  const hash = createHash('sha256');
  let bytes = 0;
  for (const index of indexes) {
    hash.update(stamps.subarray(index * 8, index * 8 + 8));
    if (kind === 'files') bytes += sizes[index] ?? 0;
  }
  return {
    kind,
    paths: Buffer.concat(indexes.map((index) => paths.bytes(index))),
    ...(targets === undefined ? {} : { targets: Buffer.concat(targets.map((index) => paths.bytes(index))) }),
    entries: indexes.length,
    bytes,
    fingerprint: `sha256:${hash.digest('hex')}`,
  };
}

/** How much likelier a cut is than on average, so that parts are neither tiny nor huge: none before a quarter, soon after the whole. */
function cutFactor(fill: number): number {
  if (fill < 0.25) return 0;
  return fill < 1 ? 1 : 4;
}

/** A power of two, so that a tree that grows a little is not cut anew. */
function partSize(total: number): number {
  let size = MIN_PART_BYTES;
  while (size < MAX_PART_BYTES && size * PARTS < total) size *= 2;
  return size;
}

/** Content of what travels, each file once, and what its entries cost. */
export function totalBytes({ types, sizes, firsts }: SurveyTreeResult, keep?: Selection): number {
  let total = 0;
  const seen = new Set<number>();
  for (let i = 0; i < types.length; i++) {
    if (keep !== undefined && keep[i] !== 1) continue;
    total += ENTRY_BYTES;
    const group = firsts[i] ?? -1;
    if (group >= 0 && seen.has(group)) continue;
    if (group >= 0) seen.add(group);
    total += sizes[i] ?? 0;
  }
  return total;
}
