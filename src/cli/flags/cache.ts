import type { CacheDestinationSpec, CacheExportOptions, CacheSourceSpec } from '../../build-types.ts';
import { isDigest } from '../../oci/digest.ts';
import type { Compression } from '../../oci/media-types.ts';
import { parseReference } from '../../oci/reference.ts';
import { suggest } from '../../suggest.ts';
import { invalidFlag, unsupportedFlag } from '../usage-errors.ts';
import { parseBoolean } from './boolean.ts';
import { splitCsv } from './csv.ts';
import { translate } from './values.ts';

const FROM = '--cache-from';
const TO = '--cache-to';
const TO_KEYS = [
  'ref',
  'dest',
  'mode',
  'tag',
  'reset',
  'compression',
  'compression-level',
  'force-compression',
  'image-manifest',
  'oci-mediatypes',
  'ignore-error',
  'registry.insecure',
];
/** Kinds that live in one vendor's service. */
const SERVICES = new Set(['gha', 's3', 'azblob', 'gcs']);
const MAX_LEVELS: Readonly<Record<Compression, number>> = { none: 0, gzip: 9, zstd: 22 };

/** Collects `--cache-from`; an empty variable of a script asks for nothing. Throws `FLAG_INVALID`, `FLAG_UNSUPPORTED`. */
export function collectCacheFrom(text: string, previous: unknown): CacheSourceSpec[] {
  const collected = (previous as CacheSourceSpec[] | undefined) ?? [];
  return text === '' ? collected : [...collected, ...parseSources(text)];
}

/** Collects `--cache-to`, in the same way. */
export function collectCacheTo(text: string, previous: unknown): CacheDestinationSpec[] {
  const collected = (previous as CacheDestinationSpec[] | undefined) ?? [];
  return text === '' ? collected : [...collected, parseDestination(text)];
}

/** `type=registry,ref=…`, `type=local,src=…`, or short: names of images, parted by commas. */
function parseSources(text: string): readonly CacheSourceSpec[] {
  const attributes = new Attributes(FROM, text);
  if (attributes.names !== undefined) return attributes.names.map((ref) => ({ type: 'registry', ref }));
  const type = attributes.type(['registry', 'local'], ['ref', 'src', 'tag', 'digest', 'registry.insecure']);
  let spec: CacheSourceSpec;
  if (type === 'registry') spec = { type, ...takeRegistry(attributes) };
  else {
    const src = attributes.take('src');
    if (!src) throw attributes.invalid('it has no src', 'add src=<directory>');
    const tag = attributes.take('tag');
    const digest = attributes.take('digest');
    if (digest !== undefined && !isDigest(digest)) throw attributes.invalid(`${JSON.stringify(digest)} is no digest`);
    spec = { type: 'local', src, ...(tag ? { tag } : {}), ...(digest === undefined ? {} : { digest }) };
  }
  attributes.end();
  return [spec];
}

/** `type=registry,ref=…`, `type=local,dest=…`, `type=inline`, or short: one name in a registry. */
function parseDestination(text: string): CacheDestinationSpec {
  const attributes = new Attributes(TO, text);
  const { names } = attributes;
  if (names !== undefined) {
    const [ref, ...more] = names;
    if (ref === undefined || more.length > 0) throw attributes.invalid('a cache goes to one place', `repeat ${TO}`);
    return { type: 'registry', ref };
  }
  const type = attributes.type(['registry', 'local', 'inline'], TO_KEYS);
  let spec: CacheDestinationSpec;
  if (type === 'inline') {
    const mode = attributes.take('mode');
    if (mode !== undefined && mode !== 'min')
      throw attributes.invalid(
        'an image carries the cache of its own layers only',
        'leave mode out, or use type=registry',
      );
    const ignoreError = attributes.boolean('ignore-error');
    spec = { type, ...(ignoreError === undefined ? {} : { ignoreError }) };
  } else if (type === 'registry') spec = { type, ...takeRegistry(attributes), ...takeOptions(attributes) };
  else {
    const dest = attributes.take('dest');
    if (!dest) throw attributes.invalid('it has no dest', 'add dest=<directory>');
    const tag = attributes.take('tag');
    const reset = attributes.boolean('reset');
    spec = {
      type: 'local',
      dest,
      ...(tag ? { tag } : {}),
      ...(reset === undefined ? {} : { reset }),
      ...takeOptions(attributes),
    };
  }
  attributes.end();
  return spec;
}

function takeRegistry(attributes: Attributes): { readonly ref: string; readonly insecure?: boolean } {
  const ref = attributes.take('ref');
  if (!ref) throw attributes.invalid('it has no ref', 'add ref=<registry>/<name>[:<tag>]');
  attributes.checkReference(ref);
  const insecure = attributes.boolean('registry.insecure');
  return { ref, ...(insecure === undefined ? {} : { insecure }) };
}

function takeOptions(attributes: Attributes): CacheExportOptions {
  const mode = attributes.take('mode');
  if (mode !== undefined && mode !== 'min' && mode !== 'max')
    throw attributes.invalid(`there is no mode ${JSON.stringify(mode)}`, 'it is min or max');
  const compression = attributes.compression();
  const compressionLevel = attributes.level(compression ?? 'gzip');
  const options = {
    mode,
    compression,
    compressionLevel,
    forceCompression: attributes.boolean('force-compression'),
    imageManifest: attributes.boolean('image-manifest'),
    ociMediaTypes: attributes.boolean('oci-mediatypes'),
    ignoreError: attributes.boolean('ignore-error'),
  };
  if (options.ociMediaTypes === false && options.imageManifest !== false)
    throw attributes.invalid('an image manifest of a cache has OCI media types', 'add image-manifest=false');
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** What stands between the commas, each taken once. */
class Attributes {
  /** All fields, where they are names and no attributes. */
  readonly names: readonly string[] | undefined;
  readonly #flag: string;
  readonly #text: string;
  readonly #values = new Map<string, string>();

  constructor(flag: string, text: string) {
    this.#flag = flag;
    this.#text = text;
    const fields = splitCsv(text);
    if (fields === undefined) throw this.invalid('its quotes do not match');
    if (fields.every((field) => !field.includes('='))) {
      const names = fields.map((field) => field.trim());
      for (const name of names) this.checkReference(name);
      this.names = names;
      return;
    }
    for (const field of fields) {
      const equals = field.indexOf('=');
      if (equals < 0) throw this.invalid(`${JSON.stringify(field)} is not key=value`);
      this.#values.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
    }
  }

  /** The type, once every other key is known to be one of `keys`: what is misspelt is told before what lacks by it. */
  type<T extends string>(types: readonly T[], keys: readonly string[]): T {
    const type = this.take('type');
    if (type === undefined) throw this.invalid('it has no type', `add type= and one of ${types.join(', ')}`);
    if (SERVICES.has(type))
      throw unsupportedFlag(
        `${this.#flag} type=${type}`,
        'a registry takes caches as well (type=registry,ref=…), and a directory can be kept by any CI (type=local)',
      );
    const known = types.find((each) => each === type);
    if (known !== undefined) {
      this.#checkKeys(keys);
      return known;
    }
    const near = suggest(type, types);
    const hint = near === undefined ? `types are ${types.join(', ')}` : `did you mean ${near}?`;
    throw this.invalid(`there is no type ${JSON.stringify(type)} here`, hint);
  }

  /** Throws `FLAG_INVALID`: it is the flag that is wrong, before anything is done. */
  checkReference(name: string): void {
    translate(this.#flag, this.#text, () => parseReference(name));
  }

  take(key: string): string | undefined {
    const value = this.#values.get(key);
    this.#values.delete(key);
    return value;
  }

  boolean(key: string): boolean | undefined {
    const value = this.take(key);
    if (value === undefined) return undefined;
    const parsed = parseBoolean(value);
    if (parsed === undefined) throw this.invalid(`${JSON.stringify(value)} is neither true nor false`);
    return parsed;
  }

  compression(): Compression | undefined {
    const value = this.take('compression');
    if (value === undefined) return undefined;
    if (value === 'uncompressed') return 'none';
    if (value === 'gzip' || value === 'zstd') return value;
    if (value === 'estargz') throw unsupportedFlag(`${this.#flag} compression=estargz`);
    throw this.invalid(`there is no compression ${JSON.stringify(value)}`, 'it is uncompressed, gzip or zstd');
  }

  level(compression: Compression): number | undefined {
    const value = this.take('compression-level');
    if (value === undefined) return undefined;
    const max = MAX_LEVELS[compression];
    if (!/^\d{1,2}$/.test(value) || Number(value) > max)
      throw this.invalid(`${JSON.stringify(value)} is no level of ${compression}`, `it is 0 to ${max}`);
    return Number(value);
  }

  /** What is left is of another type. */
  end(): void {
    for (const key of this.#values.keys()) throw this.invalid(`its type takes no ${JSON.stringify(key)}`);
  }

  #checkKeys(keys: readonly string[]): void {
    for (const key of this.#values.keys()) {
      if (keys.includes(key)) continue;
      const near = suggest(key, keys);
      throw this.invalid(
        `there is no ${JSON.stringify(key)}`,
        near === undefined ? `it takes ${keys.join(', ')}` : `did you mean ${near}=?`,
      );
    }
  }

  invalid(why: string, hint?: string): Error {
    return invalidFlag(this.#flag, this.#text, why, hint);
  }
}
