import { mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { errorCode } from '../../errors.ts';
import { collectionRefused } from '../errors.ts';
import { forgetCacheRecords } from '../forget.ts';
import { lockUpkeep } from '../prune.ts';
import type { UpkeepContext, UpkeepNative } from '../types.ts';
import { checkBlobs } from './blobs.ts';
import { checkImages } from './images.ts';
import { clearNeededLocks } from './locks.ts';
import {
  checkBuilds,
  checkCacheMounts,
  checkCacheRecords,
  checkLeftovers,
  checkRecords,
  checkRepositories,
  checkRoot,
} from './rest.ts';
import { checkSnapshots } from './snapshots.ts';
import type { CheckContext, Finding, Problem, StoreCheck } from './types.ts';

export interface CheckOptions {
  /** Mends what can be mended; what is damaged goes to `quarantine/` in the root. */
  readonly repair?: boolean;
  /** Also packs every snapshot again and compares. */
  readonly full?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (what: string, current: number, total: number) => void;
  /** Removes what processes that are gone left. */
  readonly sweep: () => Promise<void>;
}

/**
 * Checks everything in a store, and mends it. Builds may run meanwhile: what looked wrong while one was at work is looked at again, and what
 * one holds is not touched. Each repair is one rename or one record; killed in between, the next run finds the rest. Throws `STORE_BUSY`.
 */
export async function checkStore(
  context: UpkeepContext,
  native: UpkeepNative,
  options: CheckOptions,
): Promise<StoreCheck> {
  const found: Finding[] = options.repair ? [...clearNeededLocks(context, quarantineIn(context))] : [];
  const lock = options.repair
    ? await lockUpkeep(context, { ...(options.signal === undefined ? {} : { signal: options.signal }), waitMs: 10_000 })
    : undefined;
  try {
    // Records that cannot be read keep all others of their table from being read.
    found.push(...(await mend(context, await collect(context, native, options, checkRecords), options)));
    if (found.some(({ repaired }) => !repaired))
      return { findings: found, blobs: 0, bytes: 0, snapshots: 0, images: 0, ok: false };
    const before = readStamps(context);
    const first = await checkAll(context, native, options);
    const isQuiet = before === readStamps(context) && !(await hasOthers(context));
    const problems =
      first.problems.length === 0 || isQuiet ? first.problems : await confirm(context, native, options, first.problems);
    found.push(...(await mend(context, problems, options)));
    const { problems: _, ...counts } = first;
    return {
      ...counts,
      findings: found,
      ok: found.every(({ severity, repaired }) => repaired || severity === 'warning'),
    };
  } finally {
    lock?.release();
  }
}

/** Of two looks, what both saw: builds make and remove things between two steps of one. */
async function confirm(
  context: UpkeepContext,
  native: UpkeepNative,
  options: CheckOptions,
  first: readonly Problem[],
): Promise<readonly Problem[]> {
  const again = await checkAll(context, native, { ...options, full: false });
  const keyOf = ({ code, subject }: Problem): string => `${code} ${subject}`;
  const seen = new Set(again.problems.map(keyOf));
  return first.filter((problem) => problem.code === 'snapshot-changed' || seen.has(keyOf(problem)));
}

/** Changes when anybody commits a record, or makes or removes a blob or a snapshot. */
function readStamps({ store }: UpkeepContext): string {
  const { meta, snapshots, blobs } = store.paths;
  return [join(meta, 'tables.mdb'), snapshots, join(blobs, 'sha256')]
    .map((path) => statSync(path, { throwIfNoEntry: false }))
    .map((status) => `${status?.mtimeMs} ${status?.size}`)
    .join();
}

async function hasOthers({ store }: UpkeepContext): Promise<boolean> {
  if (store.isReadOnly) return false;
  const owner = await store.owner();
  for (const id of owner.others()) if (await owner.isAlive(id)) return true;
  return false;
}

interface Checked {
  readonly problems: readonly Problem[];
  readonly blobs: number;
  readonly bytes: number;
  readonly snapshots: number;
  readonly images: number;
}

async function checkAll(context: UpkeepContext, native: UpkeepNative, options: CheckOptions): Promise<Checked> {
  let [blobs, bytes, snapshots, images] = [0, 0, 0, 0];
  const problems = await collect(context, native, options, async (check) => {
    checkRoot(check);
    await checkLeftovers(check, options.sweep);
    const checked = await checkBlobs(check);
    [blobs, bytes] = [checked.count, checked.bytes];
    snapshots = await checkSnapshots(check);
    checkCacheRecords(check);
    images = await checkImages(check, checked.good);
    checkCacheMounts(check);
    checkBuilds(check);
    await checkRepositories(check);
  });
  return { problems, blobs, bytes, snapshots, images };
}

async function collect(
  context: UpkeepContext,
  native: UpkeepNative,
  { signal, onProgress, full = false }: CheckOptions,
  check: (context: CheckContext) => Promise<void> | void,
): Promise<readonly Problem[]> {
  const problems: Problem[] = [];
  const { store, content, snapshotter, chains } = context;
  await check({
    store,
    content,
    snapshotter,
    chains,
    native,
    signal,
    onProgress,
    full,
    report: (problem) => problems.push(problem),
  });
  return problems;
}

function toFinding({ code, severity, subject, message, repair }: Problem, repaired: boolean): Finding {
  return { code, severity, subject, message, ...(repair === undefined ? {} : { repair }), repaired };
}

/** What is gone by itself is cured. */
async function attempt(cure: () => Promise<boolean>): Promise<boolean> {
  try {
    return await cure();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return true;
    throw error;
  }
}

/** Gives what takes paths out of the store. */
function quarantineIn({ store }: UpkeepContext): (path: string) => void {
  let count = 0;
  return (path) => {
    const directory = join(store.paths.root, 'quarantine');
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    renameSync(path, join(directory, `${Date.now()}-${process.pid}-${count++}-${basename(path)}`));
  };
}

/** Cures what has a cure, in one step that nobody begins to use anything in. */
async function mend(
  context: UpkeepContext,
  problems: readonly Problem[],
  { repair, signal }: CheckOptions,
): Promise<readonly Finding[]> {
  const curable = problems.some(({ cure }) => cure !== undefined);
  if (!repair || !curable) return problems.map((problem) => toFinding(problem, false));
  const { store } = context;
  const works: (() => Promise<unknown>)[] = [];
  const quarantine = quarantineIn(context);
  const findings = await store.collect(
    async (held) => {
      const done: Finding[] = [];
      for (const problem of problems) {
        const { cure } = problem;
        const repaired =
          cure !== undefined && (await attempt(() => cure({ held, quarantine, later: (work) => works.push(work) })));
        done.push(toFinding(problem, repaired));
      }
      return done;
    },
    { waitMs: 10_000, ...(signal === undefined ? {} : { signal }) },
  );
  if (findings === undefined) throw collectionRefused();
  for (const work of new Set(works)) await work();
  // What led to what is gone now.
  await forgetCacheRecords(context);
  return findings;
}
