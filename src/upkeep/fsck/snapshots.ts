import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { chainIDs, type Digest } from '../../oci/index.ts';
import { clearPlace, LINK_NAMES } from '../../snapshot/overlay/active.ts';
import { openRecords, type SnapshotRecord, snapshotRoot } from '../../snapshot/overlay/records.ts';
import { readNeeds, snapshotKey } from '../graph.ts';
import { readLink } from './links.ts';
import type { CheckContext, Problem } from './types.ts';

/** Half made or half removed, by a process: what is left of dead ones is checked elsewhere. */
const HALF = /^(?:active|removed)-/;

/** Records ↔ directories, parents, lenders, chains; with `full`, what each holds. Answers how many there are. */
export async function checkSnapshots(context: CheckContext): Promise<number> {
  const { store, native, report } = context;
  const records = openRecords(store);
  const table = new Map<string, SnapshotRecord>();
  for (const { key, value } of records.table.entries()) table.set(key, value);
  const places = new Map([...table.keys()].map((name) => [snapshotRoot(store, name), name]));
  const clear = async (name: string): Promise<boolean> => {
    await records.table.remove(name);
    await clearPlace({ store, records, native }, name);
    return true;
  };

  for (const entry of readdirSync(store.paths.snapshots)) {
    const path = join(store.paths.snapshots, entry);
    if (HALF.test(entry) || places.has(path)) continue;
    report({
      code: 'snapshot-orphan',
      severity: 'warning',
      subject: entry,
      message: 'a directory of snapshots of which there is no record',
      repair: 'removed',
      cure: async ({ quarantine }) => {
        quarantine(path);
        return true;
      },
    });
  }

  const bad = new Map<string, Problem>();
  for (const [name, record] of table) {
    const problem = await checkOne(context, records, name, record);
    if (problem !== undefined) bad.set(name, problem);
  }
  await excuseUnneeded(context, bad);
  // What stands on something that is not whole is not whole.
  for (let before = -1; before !== bad.size; ) {
    before = bad.size;
    for (const [name, { parent, changesOf }] of table)
      for (const below of [parent, changesOf])
        if (below && !bad.has(name) && (bad.has(below) || !table.has(below)))
          bad.set(name, {
            code: 'snapshot-parent',
            severity: 'error',
            subject: name,
            message: `it stands on ${below}, which is ${table.has(below) ? 'not whole' : 'not there'}`,
          });
  }
  for (const [name, problem] of bad)
    report({
      ...problem,
      repair: 'removed: steps that made it run again, layers are unpacked again',
      cure: async ({ held }) => (held.has(name) ? false : clear(name)),
    });

  checkChains(context, new Set([...table.keys()].filter((name) => !bad.has(name))));
  if (context.full)
    await checkContents(
      context,
      [...table.keys()].filter((name) => !bad.has(name)),
      clear,
    );
  return table.size;
}

/**
 * A record without a directory, below nothing of an image, is what a kill leaves of a snapshot that was made or removed: the next command
 * sweeps it. An image that lost its topmost snapshot so is told of by itself, as `image-broken`.
 */
async function excuseUnneeded(context: CheckContext, bad: Map<string, Problem>): Promise<void> {
  const missing = [...bad].filter(([, { code }]) => code === 'snapshot-missing');
  if (missing.length === 0) return;
  const { kept } = await readNeeds(context, new Map());
  for (const [name, problem] of missing)
    if (!kept.has(snapshotKey(name))) bad.set(name, { ...problem, severity: 'warning' });
}

async function checkOne(
  { store }: CheckContext,
  records: ReturnType<typeof openRecords>,
  name: string,
  record: SnapshotRecord,
): Promise<Problem | undefined> {
  const problem = (code: Problem['code'], severity: Problem['severity'], message: string): Problem => ({
    code,
    severity,
    subject: name,
    message,
  });
  if (typeof record !== 'object' || record === null || typeof record.createdMs !== 'number')
    return problem('record-invalid', 'error', 'its record makes no sense');
  const root = snapshotRoot(store, name);
  const status = lstatSync(join(root, 'fs'), { throwIfNoEntry: false });
  if (status === undefined) return problem('snapshot-missing', 'error', 'its directory is gone');
  if (!status.isDirectory()) return problem('snapshot-shape', 'error', 'its fs is no directory');
  if (record.unsettledBoot !== undefined && record.unsettledBoot !== records.boot())
    return problem('snapshot-untrusted', 'warning', 'the machine went down before its files were known to be on disk');
  for (const [link, wanted] of [
    [LINK_NAMES.parent, record.parent ?? undefined],
    [LINK_NAMES.changesOf, record.changesOf],
  ] as const) {
    const said = readLink(join(root, link));
    if (said !== undefined && said !== wanted)
      return problem('snapshot-shape', 'error', `its record says ${link} ${wanted ?? 'none'}, its directory ${said}`);
  }
  return undefined;
}

/** `chains`: the snapshot of a stack of layers is one with those layers. */
function checkChains({ store, snapshotter, report }: CheckContext, whole: ReadonlySet<string>): void {
  for (const { key, value } of store.table<string>('chains').entries()) {
    const cure = async (): Promise<boolean> => {
      await store.removeRecord(`chains/${key}`);
      return true;
    };
    const forget = { repair: 'forgotten', cure };
    if (typeof value !== 'string' || !whole.has(value)) {
      report({ code: 'chain-stale', severity: 'warning', subject: key, message: 'its snapshot is gone', ...forget });
      continue;
    }
    const diffIDs = snapshotter.chain(value).map((name) => snapshotter.stat(name)?.diffID);
    if (diffIDs.some((diffID) => diffID === undefined)) continue;
    if (chainIDs(diffIDs as Digest[]).at(-1) === key) continue;
    report({ code: 'chain-wrong', severity: 'error', subject: key, message: `${value} has other layers`, ...forget });
  }
}

/** Packs again what was packed once: the same tree gives the same bytes. */
async function checkContents(
  context: CheckContext,
  names: readonly string[],
  clear: (name: string) => Promise<boolean>,
): Promise<void> {
  const { native, snapshotter, report, signal, onProgress } = context;
  const seen = new Set<string>();
  for (const [i, name] of names.entries()) {
    signal?.throwIfAborted();
    onProgress?.('packing snapshots', i, names.length);
    const info = snapshotter.stat(name);
    const own = info?.changesOf ?? name;
    if (info?.diffID === undefined || seen.has(own)) continue;
    seen.add(own);
    const packed = await native
      .packLayer({ ...snapshotter.changes(name), compression: 'none' })
      .catch((error: unknown) => error);
    const diffID = packed instanceof Error ? packed.message : (packed as { diffID: string }).diffID;
    // A pulled layer may have been written by another packer: its tar is not ours, its tree is what was proved when it was unpacked.
    if (diffID === info.diffID || (own.startsWith('sha256:') && !(packed instanceof Error))) continue;
    report({
      code: 'snapshot-changed',
      severity: 'error',
      subject: own,
      message: `its layer is ${diffID} now, it was ${info.diffID}`,
      repair: 'removed, with what stands on it, unless an image has nothing else of it',
      cure: async ({ held }) => {
        const going = listUsers(context, own);
        const { kept } = await readNeeds(context, new Map([...held].map((each) => [each, ['']])));
        if (going.some((each) => kept.has(snapshotKey(each)))) return false;
        for (const each of going) await clear(each);
        return true;
      },
    });
  }
  onProgress?.('packing snapshots', names.length, names.length);
}

/** A snapshot and all that stands on it or borrows its changes, the topmost first. */
function listUsers({ snapshotter }: CheckContext, name: string): readonly string[] {
  const all = snapshotter.list();
  const users = new Set([name]);
  for (let before = 0; before !== users.size; ) {
    before = users.size;
    for (const { name: user, parent, changesOf } of all)
      if (users.has(parent ?? '') || users.has(changesOf ?? '')) users.add(user);
  }
  return [...users].reverse();
}
