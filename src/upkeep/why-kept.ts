import { displayId, listNames, readFacts } from '../cache/mounts/facts.ts';
import { findImage, findNamed } from '../images/names/find.ts';
import { showName } from '../images/names/names.ts';
import { createImageRecords } from '../images/names/records.ts';
import { nameAmbiguous, nothingCalled } from './errors.ts';
import { startsWithID } from './filters.ts';
import { blobKey, type Edge, type NodeKey, snapshotKey } from './graph.ts';
import type { Survey } from './survey.ts';
import type { UpkeepContext, UsageItem } from './types.ts';

/** A thing of the store, all that keeps it, and how it would go. */
export interface KeptReport {
  readonly reference: string;
  readonly id: string;
  readonly kind: UsageItem['kind'] | 'image';
  readonly description: string;
  readonly bytes: number;
  readonly lastUsedMs: number | undefined;
  /** Nothing keeps it: a prune, or the collection after a build, may remove it. */
  readonly reclaimable: boolean;
  /** Each a way from the thing up to an image or a process, the thing first. */
  readonly reasons: readonly KeptReason[];
  /** Steps whose result it is. */
  readonly cachedFor: readonly string[];
  /** What removes it; for a thing that nothing keeps. */
  readonly free: string | undefined;
}

export interface KeptReason {
  /** `snapshot 3f2a…`, `image app:1`. */
  readonly chain: readonly string[];
  /** What the thing is to the next in the chain: `its layer 3`. */
  readonly links: readonly string[];
  /** A command, or what has to happen. */
  readonly free: string;
}

/** More ways than these say nothing new. */
const MAX_REASONS = 20;
const SHOWN_CHARS = 12;

/**
 * Explains what an image's name or ID, a snapshot, a blob, a cache mount (its id or name), a path from the root, or a cache record (of `du`'s
 * IDs the beginning will do) is kept by. Throws `NOTHING_FOUND`, `NAME_AMBIGUOUS`.
 */
export function explainKept(context: UpkeepContext, survey: Survey, reference: string): readonly KeptReport[] {
  const { store, content } = context;
  const images = createImageRecords(store, content);
  // A cache called `cc` is meant before an image whose ID begins so.
  const mounts = findMounts(context, survey, reference);
  const image = mounts.length > 0 ? findNamed(images, reference) : findImage(images, reference)?.record;
  if (image !== undefined) return [imageReport(context, survey, reference, image)];
  const items = findItems(survey, mounts, reference);
  if (items.length === 0) throw nothingCalled(reference);
  const ids = [...new Set(items.map(({ id }) => id))];
  if (ids.length > 1) throw nameAmbiguous(reference, ids);
  return items.map((item) => itemReport(survey, reference, item));
}

/** Cache mounts by the id that the Dockerfile gives them. */
function findMounts({ store }: UpkeepContext, { items }: Survey, reference: string): readonly UsageItem[] {
  const names = new Set(
    listNames(store).filter((name) => displayId(readFacts(store, name)?.id ?? name) === reference.replace(/^\//, '')),
  );
  return items.filter(({ kind, id }) => kind === 'cache-mount' && names.has(id));
}

function findItems({ items, uses }: Survey, mounts: readonly UsageItem[], reference: string): readonly UsageItem[] {
  const exact = items.filter(({ id }) => id === reference);
  if (exact.length > 0) return exact;
  if (mounts.length > 0) return mounts;
  if (reference.replace(/^[a-z0-9]+:/, '').length < 2) return [];
  const begun = items.filter(({ kind, id }) => kind !== 'store' && startsWithID(id, reference));
  if (begun.length > 0) return begun;
  const recorded = new Set(
    [...uses].flatMap(([name, { records }]) =>
      records.some((record) => startsWithID(record, reference)) ? [name] : [],
    ),
  );
  return items.filter(({ kind, id }) => kind === 'snapshot' && recorded.has(id));
}

function itemReport(survey: Survey, reference: string, item: UsageItem): KeptReport {
  const { id, kind, description, bytes, lastUsedMs, reclaimable } = item;
  const reasons = readReasons(survey, item);
  return {
    reference,
    id,
    kind,
    description,
    bytes,
    lastUsedMs,
    reclaimable,
    reasons,
    cachedFor: survey.uses.get(id)?.names ?? [],
    free: reasons.length > 0 ? undefined : freeCommand(item, survey),
  };
}

/** The command by which a thing goes that nothing keeps. */
function freeCommand({ kind, id, shared, type, reclaimable }: UsageItem, { items }: Survey): string | undefined {
  if (!reclaimable)
    return kind === 'store' || kind === 'builds' ? undefined : 'it goes when the process that makes it has ended';
  if (kind === 'cache-mount') return `tsbuild prune --filter id=${id.slice(0, SHOWN_CHARS)}`;
  const all = shared || type === 'internal' ? ' --all' : '';
  const isStoodOn = items.some(({ parents }) => parents.includes(id));
  if (isStoodOn) return `tsbuild prune${all} (with what stands on it)`;
  return `tsbuild prune${all} --filter id=${id.replace(/^[a-z0-9]+:/, '').slice(0, SHOWN_CHARS)}`;
}

function imageReport(
  { content }: UpkeepContext,
  { items, needs }: Survey,
  reference: string,
  record: {
    readonly name: string;
    readonly imageID: string;
    readonly target: { readonly digest: `${string}:${string}` };
  },
): KeptReport {
  const name = showName(record.name);
  const own = new Set<NodeKey>([`image:${name}`, `image:<none> ${record.imageID.slice(7, 19)}`]);
  const reached = new Set<NodeKey>(own);
  for (let before = -1; before !== reached.size; ) {
    before = reached.size;
    for (const [to, edges] of needs.needs) if (edges.some(({ from }) => reached.has(from))) reached.add(to);
  }
  const keys = (item: UsageItem): NodeKey => (item.kind === 'blob' ? blobKey(item.id) : snapshotKey(item.id));
  const mine = items.filter((item) => (item.kind === 'blob' || item.kind === 'snapshot') && reached.has(keys(item)));
  return {
    reference,
    id: record.imageID,
    kind: 'image',
    description: `image ${name}: ${mine.length} blobs and snapshots that it needs`,
    bytes: mine.reduce((sum, { bytes }) => sum + bytes, 0),
    lastUsedMs: undefined,
    reclaimable: false,
    reasons: [
      {
        chain: [`image ${name}`],
        links: [],
        free:
          content.stat(record.target.digest) === undefined
            ? `tsbuild rmi ${name} (some of it is missing)`
            : `tsbuild rmi ${name}`,
      },
    ],
    cachedFor: [],
    free: undefined,
  };
}

/** All ways up, the shortest first; each thing on the way once. */
function readReasons({ needs }: Survey, item: UsageItem): readonly KeptReason[] {
  if (item.inUse && item.kind !== 'snapshot' && item.kind !== 'blob')
    return [
      {
        chain: [showItem(item), 'a running process'],
        links: ['what it works with'],
        free: 'it is let go when that process ends',
      },
    ];
  if (item.kind !== 'snapshot' && item.kind !== 'blob') return [];
  const start = item.kind === 'blob' ? blobKey(item.id) : snapshotKey(item.id);
  const reasons: KeptReason[] = [];
  const seen = new Set<NodeKey>([start]);
  const queue: { readonly key: NodeKey; readonly chain: readonly NodeKey[]; readonly links: readonly string[] }[] = [
    { key: start, chain: [start], links: [] },
  ];
  for (let at = queue.shift(); at !== undefined && reasons.length < MAX_REASONS; at = queue.shift())
    for (const { from, why } of needs.needs.get(at.key) ?? ([] as readonly Edge[])) {
      if (!needs.kept.has(from) && !isRoot(from)) continue;
      const next = { key: from, chain: [...at.chain, from], links: [...at.links, why] };
      if (isRoot(from)) reasons.push({ chain: next.chain.map(showKey), links: next.links, free: freeRoot(from) });
      else if (!seen.has(from)) queue.push(next);
      seen.add(from);
    }
  return reasons;
}

function isRoot(key: NodeKey): boolean {
  return key.startsWith('image:') || key.startsWith('process:');
}

function freeRoot(key: NodeKey): string {
  if (key.startsWith('image:')) return `tsbuild rmi ${key.slice('image:'.length).replace(/^<none> /, '')}`;
  const pid = /^process:(\d+)/.exec(key)?.[1] ?? '';
  return `it is let go when process ${pid} ends`;
}

function showKey(key: NodeKey): string {
  const colon = key.indexOf(':');
  const [kind, name] = [key.slice(0, colon), key.slice(colon + 1)];
  if (kind === 'image') return `image ${name}`;
  if (kind === 'process') return `process ${/^\d+/.exec(name)?.[0] ?? name}`;
  return `${kind} ${name.replace(/^[a-z0-9]+:/, '').slice(0, SHOWN_CHARS)}`;
}

function showItem({ kind, id }: UsageItem): string {
  return `${kind} ${id.slice(0, SHOWN_CHARS)}`;
}
