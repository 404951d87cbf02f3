import { existsSync, statSync } from 'node:fs';
import type { CacheMountFrom, CacheMountPlace, CacheMountTo } from '../../build-types.ts';
import { parseReference } from '../../oci/reference.ts';
import { suggest } from '../../suggest.ts';
import { invalidFlag, usageError } from '../usage-errors.ts';
import { parseBoolean } from './boolean.ts';
import { splitCsv } from './csv.ts';
import { readSize } from './size.ts';
import { translate } from './values.ts';

const TYPES = ['registry', 'local', 'tar'];
const LAYOUT = 'oci-layout://';

/**
 * Reads where cache mounts lie: `oci-layout://dir[:tag]`; a path (it begins with `/` or `.`, or is there), which is an archive where it ends in .tar
 * or is a file, and a directory otherwise; `-`; or a reference of a registry. Throws `USAGE`, `FLAG_INVALID`.
 */
export function parsePlace(text: string): CacheMountPlace {
  if (text === '') throw usageError('the place of cache mounts is empty', PLACES);
  if (text === '-') return { type: 'tar', path: '-' };
  if (text.startsWith(LAYOUT)) return parseLayout(text.slice(LAYOUT.length));
  const isPath = /^\.{0,2}\//.test(text) || text === '.' || text === '..' || text.endsWith('.tar') || existsSync(text);
  if (isPath) {
    const isFile = statSync(text, { throwIfNoEntry: false })?.isDirectory() === false;
    return text.endsWith('.tar') || isFile ? { type: 'tar', path: text } : { type: 'layout', path: text };
  }
  if (!/[/:]/.test(text))
    throw usageError(
      `${JSON.stringify(text)} could be a directory or a name in a registry`,
      `write ./${text} for the directory, docker.io/library/${text} for the name`,
    );
  translate('PLACE', text, () => parseReference(text));
  return { type: 'registry', ref: text };
}

const PLACES = 'a place is registry.example/name:tag, a directory, oci-layout://<directory>[:tag], a file .tar or -';

function parseLayout(text: string): CacheMountPlace {
  const colon = text.lastIndexOf(':');
  if (colon > text.lastIndexOf('/') && colon >= 0)
    return { type: 'layout', path: text.slice(0, colon), tag: text.slice(colon + 1) };
  return { type: 'layout', path: text };
}

/** Collects `--cache-mount-from`; an empty variable of a script asks for nothing. Throws `FLAG_INVALID`. */
export function collectMountFrom(text: string, previous: unknown): CacheMountFrom[] {
  const collected = (previous as CacheMountFrom[] | undefined) ?? [];
  if (text === '') return collected;
  const spec = readSpec('--cache-mount-from', text);
  const mode = spec.take('mode');
  if (mode !== undefined && mode !== 'missing' && mode !== 'replace')
    throw spec.invalid(`mode is missing or replace, not ${JSON.stringify(mode)}`);
  const from: CacheMountFrom = {
    place: spec.place('src'),
    ...spec.ids(),
    ...spec.maxBytes(),
    ...(mode === 'replace' ? { replace: true } : {}),
    ...(spec.boolean('required') ? { required: true } : {}),
  };
  spec.end();
  return [...collected, from];
}

/** Collects `--cache-mount-to`. Throws `FLAG_INVALID`. */
export function collectMountTo(text: string, previous: unknown): CacheMountTo[] {
  const collected = (previous as CacheMountTo[] | undefined) ?? [];
  if (text === '') return collected;
  const spec = readSpec('--cache-mount-to', text);
  const to: CacheMountTo = {
    place: spec.place('dest'),
    ...spec.ids(),
    ...spec.maxBytes(),
    ...(spec.boolean('ignore-error') ? { ignoreError: true } : {}),
  };
  spec.end();
  if (to.place.type === 'tar' && to.place.path === '-')
    throw spec.invalid('a build does not write to standard output', 'name a file');
  return [...collected, to];
}

/** `type=registry,ref=…,id=…` as buildx has such flags, or short: the place first, then `key=value`. */
function readSpec(flag: string, text: string) {
  const invalid = (why: string, hint?: string): Error => invalidFlag(flag, text, why, hint);
  const fields = splitCsv(text);
  if (fields === undefined) throw invalid('its quotes do not match');
  const [first = ''] = fields;
  const isShort = !/^(?:type|ref|src|dest|tag|id|max-size|mode|required|ignore-error)=/i.test(first);
  const short = isShort ? fields.shift() : undefined;
  const attributes = new Map<string, string[]>();
  for (const field of fields) {
    const equals = field.indexOf('=');
    if (equals < 0) throw invalid(`${JSON.stringify(field)} is not key=value`);
    const key = field.slice(0, equals).trim().toLowerCase();
    attributes.set(key, [...(attributes.get(key) ?? []), field.slice(equals + 1)]);
  }
  const known = new Set<string>();
  const takeAll = (key: string): readonly string[] => {
    known.add(key);
    const values = attributes.get(key) ?? [];
    attributes.delete(key);
    return values;
  };
  const take = (key: string): string | undefined => takeAll(key).at(-1);
  const need = (type: string, key: string): string => {
    const value = take(key);
    if (value === undefined || value === '') throw invalid(`type=${type} needs a ${key}`, `add ${key}=…`);
    return value;
  };
  return {
    invalid,
    take,
    place(pathKey: 'src' | 'dest'): CacheMountPlace {
      if (short !== undefined) return parsePlace(short);
      const type = take('type') ?? 'registry';
      if (type === 'registry') {
        const ref = need(type, 'ref');
        translate(flag, text, () => parseReference(ref));
        return { type, ref };
      }
      if (type === 'tar') return { type, path: need(type, pathKey) };
      if (type === 'local') {
        const tag = take('tag');
        return { type: 'layout', path: need(type, pathKey), ...(tag === undefined ? {} : { tag }) };
      }
      const near = suggest(type, TYPES);
      throw invalid(
        `there is no type ${JSON.stringify(type)}`,
        near === undefined ? `types are ${TYPES.join(', ')}` : `did you mean ${near}?`,
      );
    },
    ids(): { readonly ids?: readonly string[] } {
      const ids = takeAll('id');
      return ids.length === 0 ? {} : { ids };
    },
    maxBytes(): { readonly maxBytes?: number } {
      const size = take('max-size');
      return size === undefined ? {} : { maxBytes: readSize(flag, size) };
    },
    boolean(key: string): boolean {
      const value = take(key);
      if (value === undefined) return false;
      const parsed = parseBoolean(value);
      if (parsed === undefined) throw invalid(`${key} is true or false`);
      return parsed;
    },
    /** Whatever was not asked for is a mistake. */
    end(): void {
      const [key] = attributes.keys();
      if (key === undefined) return;
      const near = suggest(key, known);
      throw invalid(`there is no ${JSON.stringify(key)}`, near && `did you mean ${near}=?`);
    },
  };
}
