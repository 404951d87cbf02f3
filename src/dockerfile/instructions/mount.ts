import { posix } from 'node:path';
import { parseBytes } from '../../quantities.ts';
import { suggest } from '../../suggest.ts';
import { type DockerfileError, didYouMean, syntaxError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import { parseBool } from './bool.ts';
import { splitCsv } from './csv.ts';

export type MountType = 'bind' | 'cache' | 'tmpfs' | 'secret' | 'ssh';
export type MountSharing = 'shared' | 'private' | 'locked';

/** `RUN --mount=…`, its variables replaced. */
export interface Mount {
  readonly type: MountType;
  readonly from?: string;
  readonly source: string;
  readonly target: string;
  readonly readonly: boolean;
  readonly id: string;
  readonly sharing?: MountSharing;
  readonly required: boolean;
  readonly sizeBytes?: number;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly env?: string;
}

const TYPES: readonly MountType[] = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'];
const SHARING: readonly MountSharing[] = ['shared', 'private', 'locked'];
const KEYS: Readonly<Record<string, string>> = {
  type: 'type',
  from: 'from',
  source: 'source',
  src: 'source',
  target: 'target',
  dst: 'target',
  destination: 'target',
  readonly: 'readonly',
  ro: 'readonly',
  readwrite: 'readwrite',
  rw: 'readwrite',
  id: 'id',
  sharing: 'sharing',
  required: 'required',
  size: 'size',
  mode: 'mode',
  uid: 'uid',
  gid: 'gid',
  env: 'env',
};
const WITHOUT_VALUE = new Set(['readonly', 'readwrite', 'required']);

type MutableMount = { -readonly [Key in keyof Mount]: Mount[Key] };

/** The `from` of a mount, before any variable is replaced; it may hold none. */
export function checkMountFrom(token: Token): void {
  if (!/[$"]|^$/.test(token.value)) return;
  const from = findMountFrom(token);
  if (from !== undefined && /\$./.test(from))
    throw syntaxError(
      'from= of a mount does not support variables',
      token.range,
      'define a stage FROM the variable before the first stage and mount from that stage',
    );
}

/** The name that a mount takes its files from; `undefined` when it is the context or has none. */
export function findMountFrom(token: Token): string | undefined {
  let from: string | undefined;
  for (const field of readFields(token)) if (field.key === 'from' && field.value !== undefined) from = field.value;
  return from === '' ? undefined : from;
}

/** Refuses what no value of any variable could make a mount: where there are variables, only keys are looked at. */
export function checkMount(token: Token): void {
  if (!token.value.includes('$')) {
    parseMount(token, (text) => text);
    return;
  }
  for (const field of readFields(token)) if (field.key === undefined) throw unknownKey(field, token);
}

/** Reads `--mount`, replacing variables in its values by `expandValue`. */
export function parseMount(token: Token, expandValue: (text: string) => string): Mount {
  const mount: MutableMount = { type: 'bind', source: '', target: '', readonly: true, id: '', required: false };
  let readonly: boolean | undefined;
  for (const field of readFields(token)) {
    const { key, name, value, text } = field;
    const fail = (why: string): DockerfileError => syntaxError(`mount: ${why}`, token.range);
    if (key === undefined) throw unknownKey(field, token);
    if (value === undefined && !WITHOUT_VALUE.has(key)) throw fail(`${JSON.stringify(text)} must be a key=value pair`);
    const given = value === undefined ? 'true' : expandValue(value);
    if (key === 'readonly' || key === 'readwrite') readonly = parseBool(given, name, fail) === (key === 'readonly');
    else setField(mount, key, given, name, fail, token);
  }
  mount.readonly = readonly ?? !(mount.type === 'cache' || mount.type === 'tmpfs');
  checkCombination(mount, token);
  return mount;
}

/** The id of a secret: its own, or the name of its target. */
export function nameSecret({ source, id, target }: Pick<Mount, 'source' | 'id' | 'target'>): string {
  return source || id || posix.basename(target);
}

function setField(
  mount: MutableMount,
  key: string,
  value: string,
  name: string,
  fail: (why: string) => DockerfileError,
  token: Token,
): void {
  switch (key) {
    case 'type':
      mount.type = oneOf(value.toLowerCase(), TYPES, 'type', token);
      return;
    case 'sharing':
      mount.sharing = oneOf(value.toLowerCase(), SHARING, 'sharing', token);
      return;
    case 'from':
    case 'source':
    case 'target':
    case 'id':
      mount[key] = value;
      return;
    case 'env':
      if (mount.type !== 'secret') throw fail(`env is not for mounts of type ${mount.type}`);
      mount.env = value;
      return;
    case 'required':
      if (mount.type !== 'secret' && mount.type !== 'ssh')
        throw fail(`required is not for mounts of type ${mount.type}`);
      mount.required = parseBool(value, name, fail);
      return;
    case 'size': {
      if (mount.type !== 'tmpfs') throw fail(`size is not for mounts of type ${mount.type}`);
      const bytes = parseBytes(value);
      if (bytes === undefined) throw fail(`size ${JSON.stringify(value)} is not a size such as 64m`);
      mount.sizeBytes = bytes;
      return;
    }
    case 'mode':
      mount.mode = parseNumber(value, 8, name, fail);
      return;
    case 'uid':
    case 'gid':
      mount[key] = parseNumber(value, 10, name, fail);
      return;
    default:
      throw fail(`unexpected key ${JSON.stringify(name)}`);
  }
}

function checkCombination(mount: Mount, token: Token): void {
  const fail = (why: string): DockerfileError => syntaxError(`mount: ${why}`, token.range);
  if (mount.type === 'bind' || mount.type === 'tmpfs')
    for (const key of ['mode', 'uid', 'gid'] as const)
      if (mount[key] !== undefined) throw fail(`${key} is not for mounts of type ${mount.type}`);
  if (mount.sharing !== undefined && mount.type !== 'cache')
    throw fail(`sharing is not for mounts of type ${mount.type}`);
  if (mount.type !== 'secret') return;
  if (mount.from !== undefined && mount.from !== '') throw fail('a secret has no from');
  if (mount.source === '' && mount.target === '' && mount.id === '')
    throw fail('a secret needs an id, a source or a target');
  if (mount.source !== '' && mount.id !== '') throw fail('a secret cannot have both a source and an id');
}

interface Field {
  /** The canonical key, `undefined` when there is none of that name. */
  readonly key: string | undefined;
  /** The key as written. */
  readonly name: string;
  readonly value: string | undefined;
  readonly text: string;
}

function readFields(token: Token): Field[] {
  const fields = splitCsv(token.value);
  if (fields === undefined) throw syntaxError('mount: badly quoted comma-separated value', token.range);
  return fields.map((text) => {
    const equals = text.indexOf('=');
    const name = (equals < 0 ? text : text.slice(0, equals)).toLowerCase();
    const key = Object.hasOwn(KEYS, name) ? KEYS[name] : undefined;
    return { key, name, value: equals < 0 ? undefined : text.slice(equals + 1), text };
  });
}

function unknownKey({ name, text }: Field, token: Token): DockerfileError {
  return syntaxError(
    `mount: unexpected key ${JSON.stringify(name)} in ${JSON.stringify(text)}`,
    token.range,
    didYouMean(suggest(name, Object.keys(KEYS))),
  );
}

function oneOf<T extends string>(value: string, allowed: readonly T[], what: string, token: Token): T {
  const found = allowed.find((option) => option === value);
  if (found !== undefined) return found;
  const hint = didYouMean(suggest(value, allowed)) ?? `expected ${allowed.join(', ')}`;
  throw syntaxError(`mount: unsupported ${what} ${JSON.stringify(value)}`, token.range, hint);
}

function parseNumber(value: string, radix: 8 | 10, name: string, fail: (why: string) => DockerfileError): number {
  const number = (radix === 8 ? /^[0-7]+$/ : /^[0-9]+$/).test(value) ? Number.parseInt(value, radix) : Number.NaN;
  if (!(number <= 0xffffffff)) throw fail(`${name} is ${JSON.stringify(value)}, expected a number in base ${radix}`);
  return number;
}
