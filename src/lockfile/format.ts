import type { Lockfile, UrlPin } from './types.ts';

/**
 * A lock file as text: JSON, indented, members sorted, so that two runs give the same bytes and a change is a change of its own lines. Empty
 * parts are left out.
 */
export function formatLock(lock: Lockfile): string {
  const { syntax, target, args, platforms, images, urls, git } = lock;
  return `${JSON.stringify(
    {
      version: 1,
      ...(syntax === undefined ? {} : { syntax }),
      ...(target === undefined ? {} : { target }),
      ...sorted('args', args),
      platforms: [...platforms].sort(),
      ...sorted('images', images, ({ digest, mediaType, platforms: has }) => ({
        digest,
        mediaType,
        platforms: [...has].sort(),
      })),
      ...sorted('urls', urls, showUrl),
      ...sorted('git', git, ({ commit, ref, tag }) => ({
        commit,
        ...(ref === undefined ? {} : { ref }),
        ...(tag === undefined ? {} : { tag }),
      })),
    },
    undefined,
    2,
  )}\n`;
}

function showUrl({ digest, size, etag, lastModified }: UrlPin): unknown {
  return {
    digest,
    ...(size === undefined ? {} : { size }),
    ...(etag === undefined ? {} : { etag }),
    ...(lastModified === undefined
      ? {}
      : { lastModified: new Date(lastModified * 1000).toISOString().replace('.000Z', 'Z') }),
  };
}

/** By code units, which is the same order everywhere. */
function sorted<T>(
  key: string,
  entries: ReadonlyMap<string, T>,
  show: (value: T) => unknown = (value) => value,
): object {
  if (entries.size === 0) return {};
  const names = [...entries.keys()].sort();
  // Not by assignment: a name may be one that objects have already.
  return { [key]: Object.fromEntries(names.map((name) => [name, show(entries.get(name) as T)])) };
}
