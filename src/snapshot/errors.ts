import { TsbuildError } from '../errors.ts';

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
