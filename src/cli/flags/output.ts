import type { AnnotationSpec, OutputSpec } from '../../build-types.ts';
import type { Compression } from '../../oci/media-types.ts';
import { parseReference } from '../../oci/reference.ts';
import { suggest } from '../../suggest.ts';
import { invalidFlag, unsupportedFlag } from '../usage-errors.ts';
import { parseAnnotationAttribute } from './annotation.ts';
import { parseBoolean } from './boolean.ts';
import { splitCsv } from './csv.ts';

const FLAG = '-o, --output';
const TYPES = ['image', 'registry', 'oci', 'docker', 'local', 'tar'];

/** What buildx knows and this version does not do, so that it is told from a misspelt key. */
const LATER_KEYS = new Set(
  (
    'attestation-inline attestation-prefix compression-level context dangling-name-prefix force-compression mode ' +
    'name-canonical oci-artifact oci-mediatypes platform-split prefer-nondist-layers push-by-digest registry.insecure ' +
    'rewrite-timestamp source-date-epoch store unpack'
  ).split(' '),
);

/** Values of those keys that ask for what happens anyhow. */
const DEFAULTS: Readonly<Record<string, string>> = {
  'oci-mediatypes': 'true',
  store: 'true',
  unpack: 'true',
  'attestation-inline': 'false',
  'force-compression': 'false',
  'name-canonical': 'false',
  'oci-artifact': 'false',
  'prefer-nondist-layers': 'false',
  'push-by-digest': 'false',
  'rewrite-timestamp': 'false',
  mode: 'copy',
};

/** Collects `--output`; an empty variable of a script asks for nothing. Throws `FLAG_INVALID`, `FLAG_UNSUPPORTED`. */
export function collectOutput(text: string, previous: unknown): OutputSpec[] {
  const collected = (previous as OutputSpec[] | undefined) ?? [];
  return text === '' ? collected : [...collected, parseOutput(text)];
}

/**
 * Reads `--output` as buildx does: `type=oci,dest=a.tar` (comma-separated values, quotes as in CSV), or short: a directory
 * is `type=local`, `-` is `type=tar` to standard output. Throws `FLAG_INVALID`, `FLAG_UNSUPPORTED`.
 */
function parseOutput(text: string): OutputSpec {
  const fields = splitCsv(text);
  if (fields === undefined) throw invalid(text, 'its quotes do not match');
  const [only = ''] = fields;
  if (fields.length === 1 && only === text && !only.startsWith('type=')) {
    return text === '-' ? { type: 'tar', dest: '-' } : { type: 'local', dest: text };
  }
  const attributes = readAttributes(text, fields);
  const type = attributes.get('type');
  if (type === undefined) throw invalid(text, 'it has no type', `add type= and one of ${TYPES.join(', ')}`);
  attributes.delete('type');
  const spec = createSpec(text, type, attributes);
  for (const key of attributes.keys()) refuseKey(text, type, key, attributes.get(key) ?? '');
  return spec;
}

function readAttributes(text: string, fields: readonly string[]): Map<string, string> {
  const attributes = new Map<string, string>();
  for (const field of fields) {
    const equals = field.indexOf('=');
    if (equals < 0) throw invalid(text, `${JSON.stringify(field)} is not key=value`);
    attributes.set(field.slice(0, equals).trim().toLowerCase(), field.slice(equals + 1));
  }
  return attributes;
}

function createSpec(text: string, type: string, attributes: Map<string, string>): OutputSpec {
  const take = (key: string): string | undefined => {
    const value = attributes.get(key);
    attributes.delete(key);
    return value;
  };
  switch (type) {
    case 'image':
    case 'registry': {
      const name = take('name');
      for (const part of name?.split(',') ?? []) parseReference(part.trim());
      const push = takeBoolean(text, take('push')) ?? type === 'registry';
      return { type: 'image', push, ...(name === undefined ? {} : { name }), ...takeAnnotations(text, attributes) };
    }
    case 'oci':
    case 'docker': {
      const dest = take('dest');
      if (dest === undefined && type === 'oci') throw missingDest(text, type);
      const compression = takeCompression(text, take('compression'));
      const tar = takeBoolean(text, take('tar'));
      return {
        type,
        ...(dest === undefined ? {} : { dest }),
        ...(compression === undefined ? {} : { compression }),
        ...(tar === undefined ? {} : { tar }),
        ...takeAnnotations(text, attributes),
      };
    }
    case 'local': {
      const dest = take('dest');
      if (dest === undefined || dest === '') throw missingDest(text, type);
      return { type, dest };
    }
    case 'tar':
      return { type, dest: take('dest') ?? '-' };
    case 'cacheonly':
      throw unsupportedFlag(`${FLAG} type=cacheonly`);
    default: {
      const near = suggest(type, TYPES);
      throw invalid(
        text,
        `there is no output type ${JSON.stringify(type)}`,
        near === undefined ? `types are ${TYPES.join(', ')}` : `did you mean ${near}?`,
      );
    }
  }
}

function refuseKey(text: string, type: string, key: string, value: string): void {
  if (DEFAULTS[key] === value) return;
  if (LATER_KEYS.has(key)) throw unsupportedFlag(`${FLAG} type=${type},${key}=${value}`);
  const near = suggest(key, ['type', 'dest', 'name', 'push', 'compression', 'tar']);
  throw invalid(text, `type=${type} has no ${JSON.stringify(key)}`, near && `did you mean ${near}=?`);
}

/** `annotation.key=value` and the like; buildx writes keys of attributes in lower case, those of annotations too. */
function takeAnnotations(
  text: string,
  attributes: Map<string, string>,
): { readonly annotations?: readonly AnnotationSpec[] } {
  const annotations: AnnotationSpec[] = [];
  for (const [key, value] of attributes) {
    const annotation = parseAnnotationAttribute(FLAG, text, key, value);
    if (annotation === undefined) continue;
    attributes.delete(key);
    annotations.push(annotation);
  }
  return annotations.length === 0 ? {} : { annotations };
}

function takeBoolean(text: string, value: string | undefined): boolean | undefined {
  if (value === undefined) return undefined;
  const parsed = parseBoolean(value);
  if (parsed === undefined) throw invalid(text, `${JSON.stringify(value)} is neither true nor false`);
  return parsed;
}

function takeCompression(text: string, value: string | undefined): Compression | undefined {
  if (value === undefined) return undefined;
  if (value === 'uncompressed') return 'none';
  if (value === 'gzip' || value === 'zstd') return value;
  if (value === 'estargz') throw unsupportedFlag(`${FLAG} compression=estargz`);
  throw invalid(text, `there is no compression ${JSON.stringify(value)}`, 'it is uncompressed, gzip or zstd');
}

function missingDest(text: string, type: string): Error {
  return invalid(text, `type=${type} needs a dest`, `add dest=<${type === 'local' ? 'directory' : 'file'}>`);
}

function invalid(text: string, why: string, hint?: string): Error {
  return invalidFlag(FLAG, text, why, hint);
}
