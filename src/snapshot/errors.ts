import { stableCode, TsbuildError } from '../errors.ts';
import { isNativeError } from '../native/errors.ts';

export function snapshotNotFound(name: string): TsbuildError {
  return new TsbuildError('SNAPSHOT_NOT_FOUND', `the store has no snapshot ${name}`, {
    hint: 'something removed it while it was needed; run the command again',
    details: { name },
  });
}

export function snapshotInUse(name: string, child: string): TsbuildError {
  return new TsbuildError('SNAPSHOT_IN_USE', `snapshot ${name} cannot be removed: ${child} stands on it`, {
    details: { name, child },
  });
}

const FULL = new Set(['ENOSPC', 'EDQUOT']);

/** A snapshot's changes could not be written, or even read, as a layer. The addon's own codes are kept. */
export function packFailed(name: string, cause: unknown): unknown {
  if (!isNativeError(cause)) return cause;
  const isSystem = stableCode(cause) === undefined;
  const code = FULL.has(cause.code) ? 'STORE_FULL' : isSystem ? 'PACK_FAILED' : cause.code;
  return new TsbuildError(code, `cannot pack the layer of snapshot ${name}: ${cause.message}`, {
    cause,
    ...(code === 'STORE_FULL' ? { hint: 'free some space, or choose a root on a larger disk with --root' } : {}),
    details: { name, ...(cause.path === undefined ? {} : { path: cause.path }) },
  });
}
