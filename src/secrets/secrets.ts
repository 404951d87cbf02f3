import { statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import type { SecretSpec } from '../build-types.ts';
import { errorCode, errorMessage, TsbuildError } from '../errors.ts';
import { secretTooLarge, secretUnreadable } from './errors.ts';
import type { Secrets } from './types.ts';

/** BuildKit's bound (session/secrets). */
const MAX_SECRET_BYTES = 500 * 1024;

/**
 * The secrets of one build; of two with one id the later counts. A file that is not there is said now rather than when some
 * step asks for it. Throws `SECRET_UNREADABLE`, `SECRET_TOO_LARGE`.
 */
export function createSecrets(specs: readonly SecretSpec[], env: NodeJS.ProcessEnv = process.env): Secrets {
  const known = new Map(specs.map((spec) => [spec.id, spec]));
  for (const spec of known.values()) checkSpec(spec);
  const readings = new Map<string, Promise<Buffer>>();
  const values: Buffer[] = [];

  return {
    has: (id) => known.has(id),
    async read(id) {
      const spec = known.get(id);
      if (spec === undefined) return undefined;
      let reading = readings.get(id);
      if (reading === undefined) {
        reading = readValue(spec, env).then((value) => {
          values.push(value);
          return value;
        });
        readings.set(id, reading);
      }
      return await reading;
    },
    values,
    dispose() {
      known.clear();
      readings.clear();
      for (const value of values.splice(0)) value.fill(0);
    },
  };
}

function checkSpec(spec: SecretSpec): void {
  if (spec.id === '') throw secretUnreadable('', 'it has no id');
  if (!('file' in spec)) return;
  try {
    const stat = statSync(spec.file);
    if (stat.isDirectory()) throw secretUnreadable(spec.id, `${spec.file} is a directory`);
    if (stat.size > MAX_SECRET_BYTES) throw secretTooLarge(spec.id, MAX_SECRET_BYTES);
  } catch (error) {
    throw fileFailed(spec.id, spec.file, error);
  }
}

/** A buffer of our own, which may be overwritten. */
async function readValue(spec: SecretSpec, env: NodeJS.ProcessEnv): Promise<Buffer> {
  if ('file' in spec) return await readFile(spec.id, spec.file);
  // As with docker, a variable that is not set is an empty secret.
  if ('env' in spec) return bounded(spec.id, Buffer.from(env[spec.env] ?? ''));
  const { value } = spec;
  if (typeof value !== 'function') return bounded(spec.id, Buffer.from(value));
  try {
    return bounded(spec.id, Buffer.from(await value()));
  } catch (error) {
    // The caller's own error may hold anything: only that it failed is passed on.
    throw error instanceof TsbuildError ? error : secretUnreadable(spec.id, 'the function that gives it failed');
  }
}

/** Of a file that may grow meanwhile, or that is a pipe: no more than the bound is ever held. */
async function readFile(id: string, path: string): Promise<Buffer> {
  const room = Buffer.alloc(MAX_SECRET_BYTES + 1);
  try {
    const file = await open(path, 'r');
    try {
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(room, length, room.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === room.length) break;
      }
      if (length > MAX_SECRET_BYTES) throw secretTooLarge(id, MAX_SECRET_BYTES);
      return Buffer.from(room.subarray(0, length));
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileFailed(id, path, error);
  } finally {
    room.fill(0);
  }
}

function bounded(id: string, value: Buffer): Buffer {
  if (value.length > MAX_SECRET_BYTES) throw secretTooLarge(id, MAX_SECRET_BYTES);
  return value;
}

function fileFailed(id: string, path: string, error: unknown): TsbuildError {
  if (error instanceof TsbuildError) return error;
  return secretUnreadable(id, errorCode(error) === 'ENOENT' ? `${path} does not exist` : errorMessage(error));
}
