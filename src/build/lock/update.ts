import { KINDS, type Lockfile, urlName } from '../../lockfile/index.ts';
import { familiarReference, formatReference, parseTaggedReference } from '../../oci/index.ts';
import { suggest } from '../../suggest.ts';
import { unknownLockName } from '../remote/errors.ts';
import type { LockRequest } from './types.ts';

type LockedPins = Pick<Lockfile, 'images' | 'urls' | 'git'>;

/** What of a lock file stays as it is. Throws `LOCK_NAME_UNKNOWN`. */
export function dropUpdated(lock: LockedPins, { update = [], upgrade = false }: LockRequest, path: string): LockedPins {
  if (upgrade) return { images: new Map(), urls: new Map(), git: new Map() };
  const dropped = new Set<string>();
  const known = KINDS.flatMap((kind) => [...lock[kind].keys()]);
  for (const text of update) {
    const candidates = [text, fullImageName(text), urlName(text)];
    const found = known.filter((name) => candidates.includes(name));
    if (found.length === 0) throw unknownLockName(text, path, known.map(shownName), nearestName(text, known));
    for (const name of found) dropped.add(name);
  }
  const keep = <T>(pins: ReadonlyMap<string, T>): ReadonlyMap<string, T> =>
    new Map([...pins].filter(([name]) => !dropped.has(name)));
  return { images: keep(lock.images), urls: keep(lock.urls), git: keep(lock.git) };
}

/** What was meant by a name that may have another tag or ref, or leave out the path before it, or a letter. */
function nearestName(text: string, known: readonly string[]): string | undefined {
  const spellings = new Map<string, string>();
  for (const name of known) {
    const shown = shownName(name);
    const last = shown.slice(shown.lastIndexOf('/') + 1);
    for (const spelling of [withoutTag(last), withoutTag(shown), last, shown]) spellings.set(spelling, shown);
  }
  const near = suggest(text, spellings.keys()) ?? suggest(withoutTag(text), spellings.keys());
  return near === undefined ? undefined : spellings.get(near);
}

const withoutTag = (name: string): string => name.replace(/[:#@][^/]*$/, '');

/** As it stands in most Dockerfiles. */
function shownName(name: string): string {
  if (name.includes('://')) return name;
  try {
    return familiarReference(parseTaggedReference(name));
  } catch {
    return name;
  }
}

/** As the Dockerfile says it: `debian:12`. */
function fullImageName(text: string): string | undefined {
  try {
    return formatReference(parseTaggedReference(text));
  } catch {
    return undefined;
  }
}
