import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { instanceDirectory, listInstances, listNames, mountName, readFacts } from '../../cache/mounts/facts.ts';
import { BUILD_ID, recordPath } from '../../history/paths.ts';
import { readRecord } from '../../history/read.ts';
import { isDigest } from '../../oci/index.ts';
import { listStatCaches } from '../../source/stat-caches.ts';
import { hasShape } from '../../store/index.ts';
import { describeLock } from './locks.ts';
import type { CheckContext, Problem } from './types.ts';

/** Entries of a store's root. */
const KNOWN = new Set(
  (
    'agents blobs builds cache-mounts config.json git index.json ingest locks logs meta oci-layout quarantine snapshots ' +
    'tsbuild-store'
  ).split(' '),
);
const META = /^(?:tables\.mdb(?:-lock)?|stat-cache|images\.json|rebuilding)$/;

const quarantined = (path: string): Pick<Problem, 'repair' | 'cure'> => ({
  repair: 'moved to quarantine',
  cure: async ({ quarantine }) => {
    quarantine(path);
    return true;
  },
});

/**
 * Records that are no JSON or have not the fields of their table. Removed first: who reads a table reads all of it. Where an image could be
 * lost by that, all tables are made anew instead (`findLostRecord`).
 */
export function checkRecords({ store, report }: CheckContext): void {
  for (const { key, value } of store.records()) {
    const told = judgeRecord(key.slice(0, key.indexOf('/')), value);
    if (told !== undefined)
      report({
        ...told,
        severity: 'error',
        subject: key,
        cure: async () => {
          await store.removeRecord(key);
          return true;
        },
      });
  }
}

/** `undefined` of one that can be read. */
function judgeRecord(table: string, text: string): Pick<Problem, 'code' | 'message' | 'repair'> | undefined {
  let record: unknown;
  try {
    record = JSON.parse(text);
  } catch {
    return { code: 'record-unreadable', message: 'it is no JSON', repair: 'the record is removed' };
  }
  if (record !== null && hasShape(table, record)) return undefined;
  return table === 'images'
    ? { code: 'image-record', message: 'the record of the image makes no sense', repair: 'the name is removed' }
    : {
        code: 'record-invalid',
        message: 'the record makes no sense',
        repair: 'forgotten: what it was about is made or learnt again',
      };
}

/** What names things by digests does. That a snapshot of a record is gone is no fault: it was collected. */
export function checkCacheRecords({ store, report }: CheckContext): void {
  const invalid = (table: string, key: string): void =>
    report({
      code: 'record-invalid',
      severity: 'error',
      subject: `${table}/${key}`,
      message: 'the record makes no sense',
      repair: 'forgotten: the step runs again',
      cure: async () => {
        await store.removeRecord(`${table}/${key}`);
        return true;
      },
    });
  for (const { key } of store.table('cache-records').entries()) if (!isDigest(key)) invalid('cache-records', key);
  for (const { key, value } of store.table<string>('content-digests').entries())
    if (!isDigest(value)) invalid('content-digests', key);
  for (const { key, value } of store.table<readonly { readonly digest: string }[]>('layer-blobs').entries())
    if (!value.every(({ digest }) => isDigest(digest))) invalid('layer-blobs', key);
}

/** The files that make the root a store. */
export function checkRoot({ store, report }: CheckContext): void {
  const { root, meta, locks, logs, statCache } = store.paths;
  const layout = join(root, 'oci-layout');
  let isLayout = false;
  try {
    isLayout =
      (JSON.parse(readFileSync(layout, 'utf8')) as { imageLayoutVersion?: unknown }).imageLayoutVersion === '1.0.0';
  } catch {
    // Said below.
  }
  if (!isLayout)
    report({
      code: 'format-file',
      severity: 'error',
      subject: 'oci-layout',
      message: 'it does not say that this is an OCI image layout',
      repair: 'written anew',
      cure: async () => {
        writeFileSync(layout, '{"imageLayoutVersion":"1.0.0"}');
        return true;
      },
    });
  const stray = (directory: string, isKnown: (name: string) => boolean): void => {
    for (const name of namesIn(directory))
      if (!isKnown(name))
        report({
          code: 'stray-file',
          severity: 'warning',
          subject: relative(root, join(directory, name)),
          message: 'tsbuild has made nothing of that name',
          ...quarantined(join(directory, name)),
        });
  };
  // Written beside and renamed: `index.json.<pid>`.
  stray(root, (name) => KNOWN.has(name) || /^(?:index\.json|oci-layout|tsbuild-store)\.\d+$/.test(name));
  stray(meta, (name) => META.test(name) || /^images\.json\.\d+$/.test(name));
  const isLock = (name: string): boolean => name.endsWith('.lock') || /^owner-\d+-[0-9a-f]{12}$/.test(name);
  // One that has gone since was a lock.
  const isFile = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? true;
  stray(locks, (name) => isLock(name));
  for (const path of namesIn(locks).map((name) => join(locks, name)))
    if (isLock(basename(path)) && !isFile(path))
      report({ ...describeLock(relative(root, path)), ...quarantined(path) });
  stray(logs, (name) => /^\d{8}T\d{6}-[0-9a-f]{8}\.log$/.test(name) && isFile(join(logs, name)));
  for (const { path, isOrphan } of listStatCaches(statCache))
    if (isOrphan)
      report({
        code: 'stat-cache',
        severity: 'warning',
        subject: relative(root, path),
        message: 'the directory that it is about is gone, or it cannot be read',
        ...quarantined(path),
      });
}

/** What processes that are gone left: a sweep removes it, and so does any command that writes. */
export async function checkLeftovers({ store, report }: CheckContext, sweep: () => Promise<void>): Promise<void> {
  if (store.isReadOnly) return;
  const owner = await store.owner();
  const { root, snapshots, ingest, agents, locks } = store.paths;
  const swept = {
    repair: 'removed',
    cure: async ({ later }: { readonly later: (work: () => Promise<unknown>) => void }) => {
      later(sweep);
      return true;
    },
  };
  for (const id of owner.others()) {
    // Looking takes the lock of a dead one away: what it left is looked for below.
    if (!existsSync(owner.pathOf(id)) || (await owner.isAlive(id))) continue;
    report({
      code: 'stale-lock',
      severity: 'warning',
      subject: relative(root, join(locks, `owner-${id}`)),
      message: 'its process is gone',
      ...swept,
    });
  }
  const owners = /^(?:(?:active|removed)-)?(\d+-[0-9a-f]{12})[-.]/;
  for (const directory of [snapshots, ingest, agents])
    for (const name of namesIn(directory)) {
      const id = owners.exec(name)?.[1];
      if (id === undefined) {
        if (directory !== snapshots)
          report({
            code: 'stray-file',
            severity: 'warning',
            subject: relative(root, join(directory, name)),
            message: 'it belongs to nobody',
            ...quarantined(join(directory, name)),
          });
        continue;
      }
      if (await owner.isAlive(id)) continue;
      report({
        code: 'leftover',
        severity: 'warning',
        subject: relative(root, join(directory, name)),
        message: 'half done by a process that is gone',
        ...swept,
      });
    }
}

export function checkCacheMounts({ store, report }: CheckContext): void {
  const { cacheMounts, root } = store.paths;
  const names = new Set(listNames(store));
  for (const entry of namesIn(cacheMounts)) {
    const path = join(cacheMounts, entry);
    if (!names.has(entry)) {
      report({
        code: 'stray-file',
        severity: 'warning',
        subject: relative(root, path),
        message: 'no cache mount has such a name',
        ...quarantined(path),
      });
      continue;
    }
    const facts = readFacts(store, entry);
    if (facts !== undefined && mountName(facts) !== entry)
      report({
        code: 'cache-mount',
        severity: 'error',
        subject: relative(root, join(path, 'mount.json')),
        message: `it describes another mount, ${mountName(facts).slice(0, 12)}`,
        ...quarantined(join(path, 'mount.json')),
      });
    for (const index of listInstances(store, entry)) {
      const data = join(instanceDirectory(store, entry, index), 'data');
      if (existsSync(data) && !lstatSync(data).isDirectory())
        report({
          code: 'cache-mount',
          severity: 'error',
          subject: relative(root, data),
          message: 'it is no directory',
          ...quarantined(data),
        });
    }
  }
}

export function checkBuilds({ store, report }: CheckContext): void {
  const { builds, root } = store.paths;
  for (const id of namesIn(builds)) {
    if (!BUILD_ID.test(id) || readRecord(store.paths, id) !== undefined) continue;
    // One that is being made has no record yet.
    if (!existsSync(recordPath(store.paths, id))) continue;
    report({
      code: 'build-record',
      severity: 'error',
      subject: relative(root, join(builds, id)),
      message: 'the record of the build cannot be read',
      ...quarantined(join(builds, id)),
    });
  }
}

export async function checkRepositories({ store, report }: CheckContext): Promise<void> {
  const { git, root } = store.paths;
  for (const name of namesIn(git)) {
    const path = join(git, name);
    const isOurs = /^[0-9a-f]{40}(?:\.new)?$/.test(name);
    const isWhole = ['HEAD', 'objects', 'refs'].every((part) => existsSync(join(path, part)));
    if (isOurs && isWhole) continue;
    const lock = store.isReadOnly
      ? undefined
      : await store.lock(`git-${name.replace(/\.new$/, '')}`, { exclusive: true, wait: false });
    // Somebody makes it.
    if (lock === undefined) continue;
    lock.release();
    report({
      code: isOurs ? 'git-repository' : 'stray-file',
      severity: isOurs ? 'error' : 'warning',
      subject: relative(root, path),
      message: isOurs
        ? 'it is not a whole repository; it is fetched again when it is needed'
        : 'no repository has such a name',
      ...quarantined(path),
    });
  }
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
