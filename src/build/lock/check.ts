import { basename } from 'node:path';
import type { MetaResolver } from '../../dockerfile/convert/index.ts';
import { findDrift, type Lockfile } from '../../lockfile/index.ts';
import { toLayouts } from '../context/contexts.ts';
import { refuseUnlocked } from '../remote/errors.ts';
import { discoverNames, type NamedInput, toLockNames } from '../remote/lock-names.ts';
import { findLockPath, readLock } from '../remote/lock-path.ts';
import type { MissingInput } from '../remote/missing.ts';
import { placeholder } from '../remote/tolerant-resolver.ts';
import { type LockPlaces, lockConversion, settleRequest, withLockPlaces } from './places.ts';
import type { LockCheckResult, LockRequest } from './types.ts';

/**
 * `tsbuild lock --check`: whether a lock file has all that its Dockerfile names. Asks no server and changes nothing. Throws `LOCK_MISSING`,
 * `LOCK_UNREADABLE`, `LOCK_INVALID`, `LOCK_VERSION`.
 */
export async function checkLock(given: LockRequest): Promise<LockCheckResult> {
  const asked: LockRequest = { ...given, offline: true };
  return await withLockPlaces(asked, undefined, async (opened) => {
    const { places, dockerfile, except } = opened;
    const { lock, shown } = readLock(asked, dockerfile, places.main);
    const path = findLockPath(asked, dockerfile, places.main) ?? shown;
    const { request, platforms } = settleRequest(asked, lock);
    const inputs: NamedInput[] = [];
    const meta = storedResolver(opened, lock);
    for (const platform of platforms)
      inputs.push(...(await discoverNames(lockConversion(opened, request, platform, meta), except)));
    const unlocked = inputs.filter((input) => !isLocked(lock, input)).map(toMissing);
    refuseUnlocked(unlocked, basename(path), dockerfile);
    return { path, leftovers: findDrift(lock, toLockNames(inputs)).leftovers };
  });
}

function isLocked(lock: Lockfile, { kind, name, platform }: NamedInput): boolean {
  if (kind !== 'images') return lock[kind].has(name);
  const pin = lock.images.get(name);
  return pin !== undefined && (platform === undefined || pin.platforms.includes(platform));
}

const KIND_WORDS = { images: 'image', urls: 'url', git: 'git' } as const;

function toMissing({ kind, name, platform, range }: NamedInput): MissingInput {
  return {
    kind: KIND_WORDS[kind],
    name,
    command: 'tsbuild lock',
    ...(platform === undefined ? {} : { platform }),
    ...(range === undefined ? {} : { range }),
  };
}

/** Images that the store has, by their locked digests; of the others only the name is known. */
function storedResolver({ places, signal }: LockPlaces, lock: Lockfile): MetaResolver {
  return {
    async resolveImageConfig(reference, platform) {
      const pin = lock.images.get(reference);
      const pinned = pin === undefined ? reference : `${reference}@${pin.digest}`;
      if (!pinned.includes('@')) return placeholder(reference, platform);
      try {
        const { workspace } = await places.open();
        const found = await workspace.images.resolve(pinned, { platform, pull: 'never', signal });
        const { target, config } = found;
        return { digest: target.digest, mediaType: target.mediaType, reference: found.reference, config };
      } catch {
        // There may be no store that we can open, as in CI before anything was built.
        signal.throwIfAborted();
        return placeholder(reference, platform);
      }
    },
    async resolveLayoutConfig(name, platform) {
      const layout = toLayouts(places.named).get(name);
      if (layout === undefined) return placeholder(name, platform);
      const { workspace } = await places.open();
      const { target, reference, config } = await workspace.images.resolveLayout(
        { name, ...layout },
        { platform, signal },
      );
      return { digest: target.digest, mediaType: target.mediaType, reference, config };
    },
  };
}
