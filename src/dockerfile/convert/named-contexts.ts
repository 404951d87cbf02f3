import {
  familiarReference,
  formatPlatform,
  normalizePlatform,
  type Platform,
  parsePlatform,
  parseReference,
} from '../../oci/index.ts';
import type { NamedContext } from './types.ts';

/** Neither can be replaced: they are words of the language. */
export const RESERVED_CONTEXTS: ReadonlySet<string> = new Set(['scratch', 'context']);

/**
 * The contexts of `--build-context`, found by the names that a Dockerfile says: a stage's, an image's in any of its spellings, or one
 * that is only this. One for the platform that is wanted (`name::linux/arm64`) comes first.
 */
export class NamedContexts {
  readonly #contexts = new Map<string, NamedContext>();

  constructor(contexts: ReadonlyMap<string, NamedContext> = new Map()) {
    for (const [key, context] of contexts) this.#contexts.set(normalizeKey(key), context);
  }

  find(name: string, platform: Platform): NamedContext | undefined {
    if (this.#contexts.size === 0 || RESERVED_CONTEXTS.has(name.toLowerCase())) return undefined;
    const key = normalizeName(name);
    return this.#contexts.get(`${key}::${formatPlatform(normalizePlatform(platform))}`) ?? this.#contexts.get(key);
  }

  /** For suggestions. */
  names(): readonly string[] {
    return [...this.#contexts.keys()].map((key) => splitKey(key)[0]);
  }
}

/** `name` or `name::platform`. */
function splitKey(key: string): [name: string, platform: string | undefined] {
  const mark = key.indexOf('::');
  return mark < 0 ? [key, undefined] : [key.slice(0, mark), key.slice(mark + 2)];
}

function normalizeKey(key: string): string {
  const [name, platform] = splitKey(key);
  if (platform === undefined) return normalizeName(name);
  return `${normalizeName(name)}::${formatPlatform(parsePlatform(platform))}`;
}

/** `docker.io/library/alpine:latest` and `alpine` are one name, as in BuildKit; `alpine:3` is another. */
function normalizeName(name: string): string {
  try {
    return familiarReference(parseReference(name)).replace(/:latest$/, '');
  } catch {
    // No image can have such a name, but a stage can.
    return name;
  }
}
