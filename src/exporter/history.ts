import type { HistoryEntry, ImageConfig } from '../oci/index.ts';

/**
 * Makes history and layers agree and gives every entry a time, by BuildKit's rules (exporter/containerimage/writer.go): an
 * instruction that made a layer is as old as the layer, so that a build from the cache gives the same image; one that only changed
 * the config is as old as the first new layer, or as what stands before it. No new entry is later than `epochMs`.
 *
 * @param layersMs when each layer was made, bottom first
 */
export function completeHistory(
  given: readonly HistoryEntry[],
  layersMs: readonly number[],
  base: ImageConfig | undefined,
  epochMs: number | undefined,
): readonly HistoryEntry[] {
  const entries = matchLayers(addMissingBase(given, base), layersMs.length);
  const clamp = (ms: number): string => formatTime(epochMs === undefined ? ms : Math.min(ms, epochMs));
  let layer = 0;
  const timed = entries.map((entry) => {
    if (entry.empty_layer) return entry;
    const created = entry.created ?? clamp(layersMs[layer] ?? 0);
    layer++;
    return { ...entry, created };
  });
  return fillTimes(timed).map(orderEntry);
}

/**
 * The history of a squashed image, as docker tells it: every instruction is still there, none of the new ones with a layer, and at the
 * end stands an entry for the one that they became.
 *
 * @param base how many entries are the base's
 */
export function squashHistory(entries: readonly HistoryEntry[], base: number, layers: number): readonly HistoryEntry[] {
  const own = entries.slice(base).map((entry): HistoryEntry => ({ ...entry, empty_layer: true }));
  return [...entries.slice(0, base), ...own, { comment: `${layers} layers squashed` }];
}

/** A base may have layers that its history does not mention. */
function addMissingBase(given: readonly HistoryEntry[], base: ImageConfig | undefined): readonly HistoryEntry[] {
  const own = base?.history ?? [];
  const missing = (base?.rootfs.diff_ids.length ?? 0) - countLayers(own);
  if (missing <= 0) return given;
  const created = base?.created;
  const filler: HistoryEntry = { ...(created === undefined ? {} : { created }), comment: 'layer of the base image' };
  return [...given.slice(0, own.length), ...Array<HistoryEntry>(missing).fill(filler), ...given.slice(own.length)];
}

/** As many entries with a layer as there are layers. */
function matchLayers(entries: readonly HistoryEntry[], layers: number): readonly HistoryEntry[] {
  const missing = layers - countLayers(entries);
  if (missing >= 0) return [...entries, ...Array<HistoryEntry>(missing).fill({ comment: 'layer without instruction' })];
  let left = layers;
  return entries.map((entry) => {
    if (entry.empty_layer) return entry;
    left--;
    return left < 0 ? { ...entry, empty_layer: true } : entry;
  });
}

function countLayers(entries: readonly HistoryEntry[]): number {
  return entries.filter((entry) => !entry.empty_layer).length;
}

function fillTimes(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
  // What stands before the first new layer is as old as that layer, not as the base.
  const firstUntimed = entries.findIndex((entry) => entry.created === undefined);
  const after = entries.slice(Math.max(0, firstUntimed)).find((entry) => entry.created !== undefined);
  let last = after?.created ?? entries.findLast((entry) => entry.created !== undefined)?.created;
  return entries.map((entry, i) => {
    if (entry.created !== undefined) {
      if (i > firstUntimed) last = entry.created;
      return entry;
    }
    return last === undefined ? entry : { ...entry, created: last };
  });
}

/** Go's order of fields, so that equal histories are equal bytes whoever wrote them. */
function orderEntry({ created, created_by, author, comment, empty_layer }: HistoryEntry): HistoryEntry {
  return {
    ...(created === undefined ? {} : { created }),
    ...(created_by ? { created_by } : {}),
    ...(author ? { author } : {}),
    ...(comment ? { comment } : {}),
    ...(empty_layer ? { empty_layer } : {}),
  };
}

/** RFC 3339 as Go writes it: no zeros at the end of the fraction. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString().replace(/\.?0+Z$/, 'Z');
}
