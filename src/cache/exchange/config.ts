import { type Digest, isDigest } from '../../oci/index.ts';
import { cacheInvalid } from './errors.ts';

/**
 * The form in which BuildKit keeps an exported cache (cache/remotecache/v1/spec.go): `layers`, each on another one or on nothing, and
 * `records`, each the work of one op: its digest, what it was made of, and what came out as a layer with all below it.
 */
export const CACHE_CONFIG_TYPE = 'application/vnd.buildkit.cacheconfig.v0';

export interface CacheConfig {
  readonly layers: readonly CacheLayer[];
  readonly records: readonly CacheRecord[];
}

export interface CacheLayer {
  readonly blob: Digest;
  /** Index of the layer below; -1 for the bottom one. */
  readonly parent: number;
}

export interface CacheRecord {
  readonly digest: Digest;
  /** For each input the alternatives, any of which is enough. */
  readonly inputs: readonly (readonly CacheLink[])[];
  readonly results: readonly CacheResult[];
}

export interface CacheLink {
  /** Which part of the other's tree was read; empty where no part was told apart. */
  readonly selector: string;
  /** Index of the record that it points to. */
  readonly link: number;
}

export interface CacheResult {
  /** Indexes of layers, bottom first. */
  readonly layers: readonly number[];
  /** Milliseconds since 1970; 0 where it does not say. */
  readonly createdMs: number;
}

/** The most bytes of a config that are read. */
export const MAX_CACHE_CONFIG_BYTES = 8 * 1024 * 1024;
/** BuildKit reads no larger one. */
export const BUILDKIT_CONFIG_BYTES = 1024 * 1024;

const MAX_RECORDS = 100_000;
const MAX_LINKS = 500_000;
/** Layers of all results together: a small file can name the same hundred layers a million times. */
const MAX_RESULT_LAYERS = 2_000_000;
/** The kernel stacks no more layers than 500 in one mount. */
const MAX_CHAIN = 500;

/** Reads a config of which nothing is trusted. Throws `CACHE_CONFIG_INVALID`. */
export function parseCacheConfig(content: Uint8Array, where: string): CacheConfig {
  const { layers = [], records = [] } = asObject(readJson(content, where), where);
  const parsed = parseLayers(layers, where);
  return { layers: parsed, records: parseRecords(records, parsed, where) };
}

/** Reads the records of an image's config, whose layers are the image's own. Throws `CACHE_CONFIG_INVALID`. */
export function parseInlineRecords(
  content: Uint8Array,
  layers: readonly CacheLayer[],
  where: string,
): readonly CacheRecord[] {
  return parseRecords(readJson(content, where), layers, where);
}

function readJson(content: Uint8Array, where: string): unknown {
  if (content.byteLength > MAX_CACHE_CONFIG_BYTES)
    throw cacheInvalid(where, `it has ${content.byteLength} bytes, at most ${MAX_CACHE_CONFIG_BYTES} are read`);
  try {
    return JSON.parse(Buffer.from(content).toString('utf8'));
  } catch {
    throw cacheInvalid(where, 'it is not JSON');
  }
}

function parseLayers(value: unknown, where: string): readonly CacheLayer[] {
  const layers = asArray(value, MAX_RECORDS, 'layers', where).map((item, i): CacheLayer => {
    // Go leaves out a number that is 0.
    const { blob, parent = 0 } = asObject(item, where);
    if (typeof blob !== 'string' || !isDigest(blob)) throw cacheInvalid(where, `layer ${i} names no blob`);
    return { blob, parent: asIndex(parent, -1, MAX_RECORDS, `the parent of layer ${i}`, where) };
  });
  const depths = new Map<number, number>();
  for (const start of layers.keys()) measureDepth(layers, start, depths, where);
  return layers;
}

/** How many layers a layer stands on, itself included. */
function measureDepth(layers: readonly CacheLayer[], start: number, depths: Map<number, number>, where: string): void {
  const path: number[] = [];
  for (let at = start; at !== -1 && !depths.has(at); at = layers[at]?.parent ?? -1) {
    if (layers[at] === undefined) throw cacheInvalid(where, `there is no layer ${at}`);
    path.push(at);
    if (path.length > MAX_CHAIN) throw cacheInvalid(where, `layer ${start} stands on more than ${MAX_CHAIN} others`);
  }
  for (const at of path.toReversed()) {
    const depth = (depths.get(layers[at]?.parent ?? -1) ?? 0) + 1;
    if (depth > MAX_CHAIN) throw cacheInvalid(where, `layer ${at} stands on more than ${MAX_CHAIN} others`);
    depths.set(at, depth);
  }
}

function parseRecords(value: unknown, layers: readonly CacheLayer[], where: string): readonly CacheRecord[] {
  const items = asArray(value, MAX_RECORDS, 'records', where);
  let links = 0;
  let resultLayers = 0;
  const count = (result: CacheResult): CacheResult => {
    resultLayers += result.layers.length;
    if (resultLayers > MAX_RESULT_LAYERS) throw cacheInvalid(where, 'its results name too many layers');
    return result;
  };
  const records = items.map((item, i): CacheRecord => {
    const { digest, inputs = [], layers: results = [], chains = [] } = asObject(item, where);
    if (typeof digest !== 'string' || !isDigest(digest)) throw cacheInvalid(where, `record ${i} has no digest`);
    return {
      digest,
      inputs: asArray(inputs ?? [], MAX_RECORDS, 'inputs', where).map((alternatives) => {
        const parsed = asArray(alternatives ?? [], MAX_LINKS, 'links', where).map((link): CacheLink => {
          const { selector = '', link: to } = asObject(link, where);
          if (typeof selector !== 'string') throw cacheInvalid(where, `a selector of record ${i} is no text`);
          return { selector, link: asIndex(to, 0, items.length - 1, `a link of record ${i}`, where) };
        });
        links += parsed.length;
        if (links > MAX_LINKS) throw cacheInvalid(where, `it has more than ${MAX_LINKS} links`);
        return parsed;
      }),
      results: [
        ...asArray(results ?? [], MAX_CHAIN, 'results', where).map((result) =>
          count(parseResult(result, layers, where)),
        ),
        ...asArray(chains ?? [], MAX_CHAIN, 'chains', where).map((chain) => count(parseChain(chain, layers, where))),
      ],
    };
  });
  refuseCycles(records, where);
  return records;
}

/** A layer with all below it. */
function parseResult(value: unknown, layers: readonly CacheLayer[], where: string): CacheResult {
  const { layer = 0, createdAt } = asObject(value, where);
  const chain: number[] = [];
  let at = asIndex(layer, 0, layers.length - 1, 'the layer of a result', where);
  for (; at !== -1; at = layers[at]?.parent ?? -1) chain.push(at);
  return { layers: chain.reverse(), createdMs: parseTime(createdAt) };
}

/** Layers one by one: what BuildKit writes where a result's layers stand on others in different results. */
function parseChain(value: unknown, layers: readonly CacheLayer[], where: string): CacheResult {
  const { layers: chain, createdAt } = asObject(value, where);
  return {
    layers: asArray(chain, MAX_CHAIN, 'the layers of a chain', where).map((index) =>
      asIndex(index, 0, layers.length - 1, 'a layer of a chain', where),
    ),
    createdMs: parseTime(createdAt),
  };
}

/** RFC 3339, as Go writes it; 0 for what is none, or long before there were images. */
export function parseTime(value: unknown): number {
  const ms = typeof value === 'string' && value.length < 64 ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) || ms < 0 ? 0 : ms;
}

/** Work that was made of itself would send whoever follows links round and round. */
function refuseCycles(records: readonly CacheRecord[], where: string): void {
  const readers = new Map<number, number[]>();
  const waiting = records.map(({ inputs }, reader) => {
    const below = new Set(inputs.flatMap((links) => links.map(({ link }) => link)));
    for (const link of below) {
      const known = readers.get(link);
      if (known === undefined) readers.set(link, [reader]);
      else known.push(reader);
    }
    return below.size;
  });
  const ready = [...waiting.keys()].filter((i) => waiting[i] === 0);
  let done = 0;
  for (let at = ready.pop(); at !== undefined; at = ready.pop()) {
    done++;
    for (const reader of readers.get(at) ?? []) {
      const left = (waiting[reader] ?? 0) - 1;
      waiting[reader] = left;
      if (left === 0) ready.push(reader);
    }
  }
  if (done < records.length) throw cacheInvalid(where, 'its records go in a circle');
}

function asObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw cacheInvalid(where, 'a part of it is no object');
  return value as Readonly<Record<string, unknown>>;
}

function asArray(value: unknown, max: number, what: string, where: string): readonly unknown[] {
  if (!Array.isArray(value)) throw cacheInvalid(where, `${what}: no list`);
  if (value.length > max) throw cacheInvalid(where, `${what}: ${value.length} of at most ${max}`);
  return value;
}

function asIndex(value: unknown, min: number, max: number, what: string, where: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < min || (value as number) > max)
    throw cacheInvalid(where, `${what} is ${JSON.stringify(value)}`);
  return value as number;
}
