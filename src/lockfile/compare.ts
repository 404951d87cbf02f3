import type { Lockfile } from './types.ts';

/** What a Dockerfile names and leaves to its lock file. */
export interface LockNames {
  readonly images: ReadonlySet<string>;
  readonly urls: ReadonlySet<string>;
  readonly git: ReadonlySet<string>;
}

export const KINDS = ['images', 'urls', 'git'] as const;

export interface LockEntry {
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
}

/** A change of a lock file: `from` is absent for what is new, `to` for what is gone. Digests and commits. */
export interface LockChange extends LockEntry {
  readonly from?: string;
  readonly to?: string;
}

/** What a lock file has not, and what it has that nothing names any more. */
export function findDrift(
  lock: Lockfile,
  names: LockNames,
): { readonly missing: readonly LockEntry[]; readonly leftovers: readonly LockEntry[] } {
  const list = (
    kind: LockEntry['kind'],
    from: Iterable<string>,
    without: { has(name: string): boolean },
  ): LockEntry[] => [...from].filter((name) => !without.has(name)).map((name) => ({ kind, name }));
  return {
    missing: KINDS.flatMap((kind) => list(kind, names[kind], lock[kind])),
    leftovers: KINDS.flatMap((kind) => list(kind, lock[kind].keys(), names[kind])),
  };
}

/** What tells two lock files apart, sorted by name. */
export function diffLocks(before: Lockfile | undefined, after: Lockfile): readonly LockChange[] {
  return KINDS.flatMap((kind) => {
    const names = new Set([...(before?.[kind].keys() ?? []), ...after[kind].keys()]);
    return [...names].sort().flatMap((name): LockChange[] => {
      const [from, to] = [pinOf(before, kind, name), pinOf(after, kind, name)];
      if (from === to) return [];
      return [{ kind, name, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
    });
  });
}

function pinOf(lock: Lockfile | undefined, kind: LockEntry['kind'], name: string): string | undefined {
  if (kind === 'git') return lock?.git.get(name)?.commit;
  return lock?.[kind].get(name)?.digest;
}
