import { lstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeApi } from '../native/types.ts';
import { BUILD_ID, buildDirectory, buildLogPath, listsDirectory, plansDirectory } from './paths.ts';
import { type HistoryPaths, isRunning, listBuildIds, readRecord } from './read.ts';
import type { BuildRecord } from './types.ts';

export interface HistoryLimits {
  /** The newest builds that are kept, whatever they are of. */
  readonly builds: number;
  /** The newest build of a project is kept beyond that, as long as there are no more of them. */
  readonly projects: number;
  /** Records and logs together. */
  readonly bytes: number;
  /** What content digests were made of, for all builds together. */
  readonly listBytes: number;
}

const LIMITS: HistoryLimits = { builds: 50, projects: 200, bytes: 1024 ** 3, listBytes: 256 * 1024 ** 2 };

/** Builds above `LIMITS.builds` that may gather, and the size of a log, before anything is looked at. */
const SLACK_BUILDS = 10;
const LARGE_BYTES = 16 * 1024 ** 2;

type Native = Pick<NativeApi, 'lockFile'>;

/** To look at every build would be a part of what a cached one costs: so only when there are a few too many, or this one is large. */
export function shouldRemoveBuilds(paths: HistoryPaths, ownId: string): boolean {
  const own = statSync(buildLogPath(paths, ownId), { throwIfNoEntry: false });
  if ((own?.size ?? 0) > LARGE_BYTES) return true;
  // Those that are kept as the last of their project may be many: counted is what came since.
  const count = readNames(paths.logs).length;
  return count > LIMITS.builds && count % SLACK_BUILDS === 0;
}

/**
 * Removes the records and logs of old builds, and what none of the others refers to. A build holds a lock on its log for as long as it
 * runs, in whatever process: such a build is neither removed nor counted. Several processes may do this at once. The newest build
 * stays, however large.
 */
export async function removeOldBuilds(
  paths: HistoryPaths,
  native: Native,
  limits: HistoryLimits = LIMITS,
): Promise<void> {
  let [builds, bytes] = [0, 0];
  const projects = new Set<string>();
  const records = new Map<string, BuildRecord | undefined>();
  for (const id of listAllIds(paths)) {
    const size = measureBuild(paths, id);
    const isFirst = builds === 0;
    const fits = bytes + size <= limits.bytes;
    if (builds < limits.builds || projects.size < limits.projects) records.set(id, readRecord(paths, id));
    const project = records.get(id)?.project;
    const isLastOfProject = project !== undefined && !projects.has(project) && projects.size < limits.projects;
    if (isFirst || (fits && (builds < limits.builds || isLastOfProject))) {
      builds++;
      bytes += size;
      if (project !== undefined) projects.add(project);
    } else await removeBuild(paths, id, native);
  }
  await removeUnused(paths, native, limits.listBytes, records);
}

/** Removes a build's record and log. `false` when it runs. */
export async function removeBuild(paths: HistoryPaths, id: string, native: Native): Promise<boolean> {
  const log = buildLogPath(paths, id);
  // What is no file is no log of a build that runs, whatever it is.
  const hasLog = lstatSync(log, { throwIfNoEntry: false })?.isFile() ?? false;
  const lock = hasLog ? await native.lockFile({ path: log, exclusive: true, wait: false }) : undefined;
  if (hasLog && lock === undefined) return false;
  try {
    rmSync(buildDirectory(paths, id), { recursive: true, force: true });
    rmSync(log, { recursive: true, force: true });
  } finally {
    lock?.release();
  }
  return true;
}

/** Bytes of a build's record and log. */
export function measureBuild(paths: HistoryPaths, id: string): number {
  const log = statSync(buildLogPath(paths, id), { throwIfNoEntry: false })?.size ?? 0;
  return log + measureFiles(buildDirectory(paths, id)).reduce((sum, { size }) => sum + size, 0);
}

/** Builds, and logs whose record is gone or never was; the newest first. */
function listAllIds(paths: HistoryPaths): string[] {
  const logs = readNames(paths.logs)
    .filter((name) => name.endsWith('.log'))
    .map((name) => name.slice(0, -'.log'.length))
    .filter((id) => BUILD_ID.test(id));
  return [...new Set([...listBuildIds(paths), ...logs])].sort().reverse();
}

/**
 * Plans and lists that no build refers to. What a build that runs has made or used since it began is not known yet, and stays.
 *
 * @param records of builds that were read already, each of which costs as much as all else here
 */
async function removeUnused(
  paths: HistoryPaths,
  native: Native,
  listBytes: number,
  records: ReadonlyMap<string, BuildRecord | undefined>,
): Promise<void> {
  const used = new Set<string>();
  let sinceMs = Date.now();
  for (const id of listBuildIds(paths)) {
    const known = records.get(id);
    // One that ran then may have ended since, and refers to more.
    const record = known === undefined || known.status === 'running' ? readRecord(paths, id) : known;
    if (record === undefined) continue;
    if (record.plan !== undefined) used.add(record.plan);
    for (const list of record.lists) used.add(list);
    if (record.status === 'running' && (await isRunning(paths, id, native)))
      sinceMs = Math.min(sinceMs, record.createdMs);
  }
  for (const directory of [plansDirectory(paths), listsDirectory(paths)])
    for (const { name, path, mtimeMs } of measureFiles(directory))
      if (!used.has(name) && mtimeMs < sinceMs) rmSync(path, { force: true });
  let bytes = 0;
  const newestFirst = measureFiles(listsDirectory(paths)).sort((a, b) => b.mtimeMs - a.mtimeMs);
  for (const { path, size } of newestFirst) {
    bytes += size;
    if (bytes > listBytes) rmSync(path, { force: true });
  }
}

function measureFiles(directory: string): { name: string; path: string; size: number; mtimeMs: number }[] {
  return readNames(directory).flatMap((name) => {
    const path = join(directory, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat?.isFile() ? [{ name, path, size: stat.size, mtimeMs: stat.mtimeMs }] : [];
  });
}

function readNames(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
