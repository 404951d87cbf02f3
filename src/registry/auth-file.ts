import { readFileSync, statSync } from 'node:fs';
import { errorCode } from '../errors.ts';
import type { Credential } from './types.ts';

/** What a config.json or auth.json says of credentials. */
export interface AuthFile {
  /** By `host` or `host/namespace`, normalised by `authKey`. */
  readonly auths: ReadonlyMap<string, Credential>;
  readonly credHelpers: Readonly<Record<string, string>>;
  readonly credsStore?: string;
}

const MAX_BYTES = 4 * 1024 * 1024;

/** Reads a file; `undefined` with a note where it cannot be used. */
export function readAuthFile(path: string, note: (why: string) => void): AuthFile | undefined {
  let value: unknown;
  try {
    const { size } = statSync(path);
    if (size > MAX_BYTES) {
      note('too large');
      return undefined;
    }
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    // No message of the parser: it quotes the text, and the text is secret.
    note(errorCode(error) === 'ENOENT' ? 'not there' : (errorCode(error) ?? 'not JSON'));
    return undefined;
  }
  const file = asRecord(value);
  const auths = new Map<string, Credential>();
  for (const [name, entry] of Object.entries(asRecord(file.auths))) {
    const credential = readEntry(asRecord(entry));
    const key = authKey(name);
    if (credential !== undefined && !auths.has(key)) auths.set(key, credential);
  }
  const helpers = Object.entries(asRecord(file.credHelpers)).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '',
  );
  return {
    auths,
    credHelpers: Object.fromEntries(helpers),
    ...(typeof file.credsStore === 'string' && file.credsStore !== '' ? { credsStore: file.credsStore } : {}),
  };
}

/** `https://index.docker.io/v1/` -> `docker.io`, `https://ghcr.io` -> `ghcr.io`; namespaces stay. */
export function authKey(name: string): string {
  const bare = name.replace(/^https?:\/\//, '').replace(/\/(?:v[12]\/?)?$/, '');
  const slash = bare.indexOf('/');
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const rest = slash < 0 ? '' : bare.slice(slash);
  return (host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host) + rest;
}

function readEntry(entry: Readonly<Record<string, unknown>>): Credential | undefined {
  const text = (name: string): string => (typeof entry[name] === 'string' ? entry[name] : '');
  if (text('identitytoken') !== '') return { kind: 'identity', token: text('identitytoken') };
  if (text('registrytoken') !== '') return { kind: 'bearer', token: text('registrytoken') };
  if (text('username') !== '') return { kind: 'password', username: text('username'), password: text('password') };
  const decoded = Buffer.from(text('auth'), 'base64').toString('utf8').replace(/\0+$/, '');
  const colon = decoded.indexOf(':');
  if (colon <= 0) return undefined;
  return { kind: 'password', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}
