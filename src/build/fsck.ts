import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { errorCode, errorMessage } from '../errors.ts';
import { native } from '../native/index.ts';
import { REBUILDING } from '../store/index.ts';
import { createOwner, type Owner } from '../store/owner.ts';
import { defaultRoot, storePaths } from '../store/paths.ts';
import { upkeepBusy } from '../upkeep/errors.ts';
import { type CheckOptions, checkStore } from '../upkeep/fsck/fsck.ts';
import { findLostRecord } from '../upkeep/fsck/lost.ts';
import { rebuildTables } from '../upkeep/fsck/rebuild.ts';
import type { Finding, StoreCheck } from '../upkeep/fsck/types.ts';
import { withWorkspace } from '../workspace.ts';

export type CheckStoreOptions = Omit<CheckOptions, 'sweep'> & { readonly root?: string };

/**
 * `tsbuild fsck`: checks a store, and with `repair` mends it. Tables that cannot be read, or have lost an image's layers, are made anew from what lies on disk. Throws
 * `STORE_BUSY`, `STORE_UNAVAILABLE`, `STORE_VERSION`.
 */
export async function checkStoreAt(options: CheckStoreOptions): Promise<StoreCheck> {
  const { root, meta, locks } = storePaths(resolve(options.root ?? defaultRoot()));
  if (!existsSync(join(root, 'tsbuild-store')) && !existsSync(join(meta, 'tables.mdb'))) {
    // What is no directory, or may not be looked into, is not found clean.
    await withWorkspace(options.root, async () => {}, { access: 'read' });
    return { ...NOTHING, ok: true };
  }
  const file = join(meta, 'tables.mdb');
  const damage = (await findDamage(file)) ?? (await withWorkspace(options.root, findLostRecord, { access: 'read' }));
  if (damage === undefined) return check(options);
  const finding: Finding = {
    code: 'tables-damaged',
    severity: 'error',
    subject: 'meta/tables.mdb',
    message: damage,
    repair:
      'made anew from index.json, the directories of snapshots and the blobs; what the build cache remembered is lost',
    repaired: false,
  };
  if (!options.repair) return { ...NOTHING, findings: [finding] };
  await refuseOthers(locks);
  writeFileSync(join(meta, REBUILDING), '');
  takeAway(meta, file);
  await withWorkspace(
    options.root,
    async (workspace) => {
      if (await hasOthers(await workspace.store.owner())) throw upkeepBusy();
      await rebuildTables(workspace, native, options.onProgress);
    },
    { rebuilds: true },
  );
  rmSync(join(meta, REBUILDING));
  const rest = await check(options);
  return { ...rest, findings: [{ ...finding, repaired: true }, ...rest.findings] };
}

const NOTHING: StoreCheck = { findings: [], blobs: 0, bytes: 0, snapshots: 0, images: 0, ok: false };

async function check(options: CheckStoreOptions): Promise<StoreCheck> {
  return withWorkspace(
    options.root,
    (workspace) => checkStore(workspace, native, { ...options, sweep: () => workspace.sweep() }),
    options.repair ? {} : { access: 'read' },
  );
}

/** Why the tables cannot be used; `undefined` where they can. */
async function findDamage(file: string): Promise<string | undefined> {
  if (existsSync(join(file, '..', REBUILDING))) return 'making it anew was cut off';
  try {
    return (await native.checkTables(file)).damage || undefined;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 'it is gone';
    return errorMessage(error);
  }
}

/** Whoever has the old file open would go on with it. */
async function refuseOthers(locks: string): Promise<void> {
  const owner = await createOwner(locks, native);
  try {
    if (await hasOthers(owner)) throw upkeepBusy();
  } finally {
    owner.release();
  }
}

/** By their locks: a number of a process that was killed may be another's by now. */
async function hasOthers(owner: Owner): Promise<boolean> {
  for (const id of owner.others()) if (await owner.isAlive(id)) return true;
  return false;
}

function takeAway(meta: string, file: string): void {
  const quarantine = join(meta, '..', 'quarantine');
  mkdirSync(quarantine, { recursive: true, mode: 0o700 });
  for (const path of [file, `${file}-lock`])
    if (existsSync(path))
      renameSync(path, join(quarantine, `${Date.now()}-${process.pid}-${path.slice(path.lastIndexOf('/') + 1)}`));
}
