import type { UsageFilters } from './filters.ts';
import type { UsageItem } from './types.ts';

/** How much may stay. BuildKit's words; 0 or absent: no such limit. Without any, everything that may go goes. */
export interface SpaceLimits {
  /** What the store may take, all in all. */
  readonly maxUsedSpace?: number;
  /** What is to be free on its disk. */
  readonly minFreeSpace?: number;
  /** Below this the store is left alone, whatever the others say. */
  readonly reservedSpace?: number;
}

export interface PruneRules extends SpaceLimits {
  /** Also what images have too, and what is only for the builder itself. */
  readonly all: boolean;
  readonly filters: UsageFilters;
  /** Only what has not been used for so long. */
  readonly unusedForMs?: number;
}

interface PlanInput {
  readonly items: readonly UsageItem[];
  readonly totalBytes: number;
  /** Free on the disk, for those who may use it. */
  readonly freeBytes: number;
  readonly nowMs: number;
}

/**
 * What goes, in the order in which it goes: what was not used for the longest time first, and what stands on something before that. A
 * snapshot counts as used when the latest of those that stand on it was: so a stack goes as a whole, from its top, and no parent that
 * was old itself keeps the store above its limit.
 */
export function planPrune({ items, totalBytes, freeBytes, nowMs }: PlanInput, rules: PruneRules): readonly UsageItem[] {
  const keepBytes = computeKeepBytes(rules, totalBytes, freeBytes);
  if (keepBytes !== undefined && totalBytes <= keepBytes) return [];
  const unusedForMs = Math.max(rules.unusedForMs ?? 0, rules.filters.unusedForMs ?? 0);
  const stacks = readStacks(items);
  const going = new Set<UsageItem>();
  let rest = totalBytes;
  for (const { item, lastUsedMs, users } of stacks) {
    if (keepBytes !== undefined && rest <= keepBytes) break;
    const isUsed = unusedForMs > 0 && nowMs - lastUsedMs < unusedForMs;
    if (!mayGo(item, rules) || isUsed || users.some((user) => !going.has(user))) continue;
    going.add(item);
    rest -= item.bytes;
  }
  return [...going];
}

/** BuildKit's arithmetic (cache/manager.go, calculateKeepBytes). `undefined`: nothing says that anything may stay. */
export function computeKeepBytes(limits: SpaceLimits, totalBytes: number, freeBytes: number): number | undefined {
  const { maxUsedSpace = 0, minFreeSpace = 0, reservedSpace = 0 } = limits;
  if (maxUsedSpace === 0 && minFreeSpace === 0 && reservedSpace === 0) return undefined;
  let keep = maxUsedSpace > 0 ? maxUsedSpace : undefined;
  const excess = minFreeSpace - freeBytes;
  if (excess > 0) keep = Math.min(keep ?? Number.POSITIVE_INFINITY, totalBytes - excess);
  // Enough is free, and nothing else was asked for but a reserve: what is above it goes.
  if (keep === undefined) return minFreeSpace > 0 ? Number.POSITIVE_INFINITY : reservedSpace;
  return Math.max(keep, reservedSpace, 0);
}

function mayGo(item: UsageItem, rules: PruneRules): boolean {
  const { all, filters } = rules;
  if (!item.reclaimable || item.inUse) return false;
  if (!all && (item.shared || item.type === 'internal' || item.type === 'frontend')) return false;
  // Not to be had again by running a step: they go when there is said more than "prune", an age or a size at least.
  if (item.kind === 'cache-mount' && isPlain(rules)) return false;
  return filters.matches(item);
}

function isPlain(rules: PruneRules): boolean {
  const { all, filters, unusedForMs, maxUsedSpace, minFreeSpace, reservedSpace } = rules;
  return !all && filters.isEmpty && !(unusedForMs || maxUsedSpace || minFreeSpace || reservedSpace);
}

interface Stacked {
  readonly item: UsageItem;
  /** The latest use of itself and of all that stands on it. */
  lastUsedMs: number;
  /** What stands on it. */
  readonly users: readonly UsageItem[];
  /** The longest way down to it from something that nothing stands on. */
  height: number;
}

function readStacks(items: readonly UsageItem[]): readonly Stacked[] {
  const snapshots = new Map<string, { stacked: Stacked; users: UsageItem[] }>();
  const all: Stacked[] = [];
  for (const item of items) {
    const users: UsageItem[] = [];
    const stacked = { item, lastUsedMs: item.lastUsedMs ?? 0, users, height: 0 };
    all.push(stacked);
    if (item.kind === 'snapshot') snapshots.set(item.id, { stacked, users });
  }
  const waiting = new Map<string, number>();
  for (const { stacked } of snapshots.values())
    for (const parent of new Set(stacked.item.parents)) {
      snapshots.get(parent)?.users.push(stacked.item);
      waiting.set(parent, (waiting.get(parent) ?? 0) + 1);
    }
  // Downwards, each when all that stands on it is known.
  const ready = [...snapshots.values()].map(({ stacked }) => stacked).filter(({ item }) => !waiting.has(item.id));
  for (let top = ready.pop(); top !== undefined; top = ready.pop())
    for (const parent of new Set(top.item.parents)) {
      const below = snapshots.get(parent)?.stacked;
      if (below === undefined) continue;
      below.lastUsedMs = Math.max(below.lastUsedMs, top.lastUsedMs);
      below.height = Math.max(below.height, top.height + 1);
      const left = (waiting.get(parent) ?? 1) - 1;
      waiting.set(parent, left);
      if (left === 0) ready.push(below);
    }
  return all.sort((a, b) => a.lastUsedMs - b.lastUsedMs || a.height - b.height || (a.item.id < b.item.id ? -1 : 1));
}
