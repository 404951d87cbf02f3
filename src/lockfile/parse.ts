import { errorMessage } from '../errors.ts';
import { isDigest, parsePlatform, parseTaggedReference } from '../oci/index.ts';
import { lockInvalid, lockVersion } from './errors.ts';
import type { GitPin, ImagePin, Lockfile, UrlPin } from './types.ts';

/** A lock file has a few lines for each thing that a Dockerfile names. */
export const MAX_LOCK_BYTES = 4 * 1024 * 1024;
const MAX_ENTRIES = 10_000;
const MAX_TEXT = 8192;

type Members = ReadonlyMap<string, unknown>;

/** Reads a lock file; `path` is for messages. Every member is checked, and unknown ones are refused. Throws `LOCK_INVALID`, `LOCK_VERSION`. */
export function parseLock(text: string, path: string): Lockfile {
  const fail = (why: string, cause?: unknown): Error => lockInvalid(path, why, cause);
  if (text.length > MAX_LOCK_BYTES) throw fail(`it has more than ${MAX_LOCK_BYTES} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const isConflict = /^(?:<{7}|={7}|>{7})/m.test(text);
    throw fail(isConflict ? 'it has the marks of a merge conflict' : errorMessage(error), error);
  }
  const reader = new LockReader(fail);
  const top = reader.members(value, 'it');
  const version = top.get('version');
  if (version !== 1) throw typeof version === 'number' ? lockVersion(path, String(version)) : fail('it has no version');
  // Before it is written again: what has only known members is not deep.
  const lock = reader.lock(top);
  // A name that is there twice would be read as the last one, and by people as the first.
  const plain = text.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');
  if (plain !== JSON.stringify(value)) throw fail('a name is there twice, or it is not written as tsbuild writes it');
  return lock;
}

/** Takes JSON apart; what is not as it should be is told by its path. */
class LockReader {
  readonly #fail: (why: string) => Error;

  constructor(fail: (why: string) => Error) {
    this.#fail = fail;
  }

  lock(top: Members): Lockfile {
    this.#onlyKnown(top, 'it', ['version', 'syntax', 'target', 'args', 'platforms', 'images', 'urls', 'git']);
    return {
      ...this.#optionalText(top, 'syntax', 'it'),
      ...this.#optionalText(top, 'target', 'it'),
      args: this.#map(top.get('args'), 'args', (each, at) => this.#text(each, at)),
      platforms: this.#platforms(top.get('platforms'), 'platforms'),
      images: this.#map(top.get('images'), 'images', (each, at, name) => this.#image(each, at, name)),
      urls: this.#map(top.get('urls'), 'urls', (each, at) => this.#url(each, at)),
      git: this.#map(top.get('git'), 'git', (each, at) => this.#git(each, at)),
    };
  }

  members(value: unknown, at: string): Members {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.#fail(`${at} is no object`);
    const entries = Object.entries(value);
    if (entries.length > MAX_ENTRIES) throw this.#fail(`${at} has more than ${MAX_ENTRIES} members`);
    return new Map(entries);
  }

  #map<T>(value: unknown, at: string, read: (value: unknown, at: string, name: string) => T): ReadonlyMap<string, T> {
    if (value === undefined) return new Map();
    const found = new Map<string, T>();
    for (const [name, each] of this.members(value, at)) {
      const place = `${at}.${show(name)}`;
      found.set(this.#text(name, place), read(each, place, name));
    }
    return found;
  }

  #image(value: unknown, at: string, name: string): ImagePin {
    try {
      if (parseTaggedReference(name).digest !== undefined) throw this.#fail(`${at} has a digest in its name`);
    } catch (error) {
      throw this.#fail(`${at} is no name of an image: ${errorMessage(error)}`);
    }
    const members = this.members(value, at);
    this.#onlyKnown(members, at, ['digest', 'mediaType', 'platforms']);
    return {
      digest: this.#digest(members.get('digest'), at),
      mediaType: this.#text(members.get('mediaType'), `${at}.mediaType`),
      platforms: this.#platforms(members.get('platforms'), `${at}.platforms`),
    };
  }

  #url(value: unknown, at: string): UrlPin {
    const members = this.members(value, at);
    this.#onlyKnown(members, at, ['digest', 'size', 'etag', 'lastModified']);
    const [size, modified] = [members.get('size'), members.get('lastModified')];
    if (size !== undefined && !(Number.isSafeInteger(size) && (size as number) >= 0))
      throw this.#fail(`${at}.size is no size in bytes`);
    const lastModified =
      modified === undefined ? undefined : Date.parse(this.#text(modified, `${at}.lastModified`)) / 1000;
    if (lastModified !== undefined && !Number.isSafeInteger(lastModified))
      throw this.#fail(`${at}.lastModified is no time`);
    return {
      digest: this.#digest(members.get('digest'), at),
      ...(size === undefined ? {} : { size: size as number }),
      ...this.#optionalText(members, 'etag', at),
      ...(lastModified === undefined ? {} : { lastModified }),
    };
  }

  #git(value: unknown, at: string): GitPin {
    const members = this.members(value, at);
    this.#onlyKnown(members, at, ['commit', 'ref', 'tag']);
    return {
      commit: this.#commit(members.get('commit'), `${at}.commit`),
      ...this.#optionalText(members, 'ref', at),
      ...(members.has('tag') ? { tag: this.#commit(members.get('tag'), `${at}.tag`) } : {}),
    };
  }

  #commit(value: unknown, at: string): string {
    const text = this.#text(value, at);
    if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) throw this.#fail(`${at} is no commit`);
    return text;
  }

  #digest(value: unknown, at: string): ImagePin['digest'] {
    const text = this.#text(value, `${at}.digest`);
    if (!isDigest(text)) throw this.#fail(`${at}.digest is no digest`);
    return text;
  }

  #platforms(value: unknown, at: string): readonly string[] {
    if (value === undefined) return [];
    if (!Array.isArray(value) || value.length > MAX_ENTRIES) throw this.#fail(`${at} is no list of platforms`);
    return value.map((each: unknown) => {
      const text = this.#text(each, at);
      try {
        parsePlatform(text);
      } catch (error) {
        throw this.#fail(`${at}: ${errorMessage(error)}`);
      }
      return text;
    });
  }

  #optionalText<K extends string>(members: Members, key: K, at: string): { readonly [name in K]?: string } {
    const value = members.get(key);
    if (value === undefined) return {};
    return { [key]: this.#text(value, at === 'it' ? key : `${at}.${key}`) } as { readonly [name in K]?: string };
  }

  #text(value: unknown, at: string): string {
    if (typeof value !== 'string') throw this.#fail(`${at} is no text`);
    if (value.length > MAX_TEXT) throw this.#fail(`${at} has more than ${MAX_TEXT} characters`);
    return value;
  }

  #onlyKnown(members: Members, at: string, known: readonly string[]): void {
    for (const name of members.keys())
      if (!known.includes(name)) throw this.#fail(`${at} has a member ${show(name)} that nobody knows`);
  }
}

/** A name of a hostile file may be long. */
function show(name: string): string {
  return JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
}
