import { createHmac, randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { looksSecret } from '../dockerfile/lint/rules/secrets.ts';
import { redactUrls } from '../remote-url/index.ts';

/** Shorter values stand in every text by chance. */
const MIN_VALUE = 4;
export const MASK = '***';
const SALT_BYTES = 32;
const DIGEST_PREFIX = 'hidden:';

/** Keeps values that look like secrets out of what is written down of a build. */
export interface ValueHider {
  /** From now on a variable's value is left out of texts, if its name looks like that of a secret. */
  learn(name: string, value: string): void;
  /** A variable's value as it may be kept: itself, or what only tells whether it is still the same. */
  hide(name: string, value: string): string;
  /** A text without the values in it, and without the credentials of URLs. */
  mask(text: string): string;
}

/** `values` by name: build arguments. Further ones are learnt. */
export function createValueHider(directory: string, values: Readonly<Record<string, string>>): ValueHider {
  const secrets = new Set<string>();
  const learn = (name: string, value: string): void => {
    if (looksSecret(name) && value.length >= MIN_VALUE) secrets.add(value);
  };
  for (const [name, value] of Object.entries(values)) learn(name, value);
  let salt: Buffer | undefined;
  return {
    learn,
    hide(name, value) {
      if (!looksSecret(name)) return this.mask(value);
      if (value === '') return '';
      learn(name, value);
      salt ??= readSalt(directory);
      return DIGEST_PREFIX + createHmac('sha256', salt).update(value).digest('hex').slice(0, 32);
    },
    mask(text) {
      let masked = text;
      for (const value of secrets) if (masked.includes(value)) masked = masked.replaceAll(value, MASK);
      return redactUrls(masked);
    },
  };
}

/** Stands for a value that is not kept. */
export function isHidden(value: string): boolean {
  return value.startsWith(DIGEST_PREFIX);
}

/** Random, made once in a store: what is kept of a short secret cannot be found by trying, without reading the store. */
function readSalt(directory: string): Buffer {
  const path = join(directory, 'salt');
  const known = readIfThere(path);
  if (known !== undefined) return known;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const salt = randomBytes(SALT_BYTES);
  const temporary = `${path}.${salt.toString('hex', 0, 8)}`;
  writeFileSync(temporary, salt, { mode: 0o600 });
  try {
    linkSync(temporary, path);
  } catch {
    // Another build was first.
  } finally {
    rmSync(temporary, { force: true });
  }
  return readIfThere(path) ?? salt;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    const salt = readFileSync(path);
    return salt.length === SALT_BYTES ? salt : undefined;
  } catch {
    return undefined;
  }
}
