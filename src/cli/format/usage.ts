import type { UsageItem } from '../../upkeep/types.ts';
import { goTime, humanAgo, humanSize } from './human.ts';
import type { Row } from './rows.ts';

/** Table, template fields and the long form of what lies in a store, as buildx prints them. */
export const USAGE_TABLE = 'table {{.ID}}\t{{.Reclaimable}}\t{{.Size}}\t{{.LastUsedSince}}';

export const USAGE_HEADERS = {
  ID: 'ID',
  Parents: 'PARENTS',
  CreatedAt: 'CREATED AT',
  CreatedSince: 'CREATED',
  Mutable: 'MUTABLE',
  Reclaimable: 'RECLAIMABLE',
  Shared: 'SHARED',
  InUse: 'IN USE',
  Size: 'SIZE',
  Bytes: 'BYTES',
  Description: 'DESCRIPTION',
  UsageCount: 'USAGE COUNT',
  LastUsedAt: 'LAST USED AT',
  LastUsedSince: 'LAST ACCESSED',
  Type: 'TYPE',
  Kind: 'KIND',
};

const ID_CHARS = 25;

/** An ID as tables show it: the beginning of a name, a path as it is; `*`: it may change. */
function shortID({ id, kind, mutable }: UsageItem): string {
  const isHashed = kind === 'snapshot' || kind === 'blob' || kind === 'cache-mount' || kind === 'lost-snapshot';
  const name = kind === 'stat-cache' ? id.slice(id.lastIndexOf('/') + 1) : id.replace(/^[a-z0-9]+:/, '');
  return `${isHashed || kind === 'stat-cache' ? name.slice(0, ID_CHARS) : id}${mutable ? '*' : ''}`;
}

/** @param isTable sizes of what an image has too get a star, IDs are cut, as in buildx */
export function usageRow(item: UsageItem, isTable: boolean): Row {
  return {
    ID: isTable ? shortID(item) : item.id,
    Parents: item.parents.join(','),
    CreatedAt: goTime(item.createdMs),
    CreatedSince: humanAgo(item.createdMs),
    Mutable: String(item.mutable),
    Reclaimable: String(item.reclaimable),
    Shared: String(item.shared),
    InUse: String(item.inUse),
    Size: `${humanSize(item.bytes, 4)}${isTable && item.shared ? '*' : ''}`,
    Bytes: String(item.bytes),
    Description: item.description,
    UsageCount: String(item.usageCount),
    LastUsedAt: goTime(item.lastUsedMs),
    LastUsedSince: item.lastUsedMs === undefined ? '' : humanAgo(item.lastUsedMs),
    Type: item.type,
    Kind: item.kind,
  };
}

/** `--verbose`: a paragraph for each. */
export function formatUsageVerbose(items: readonly UsageItem[]): string {
  return items
    .map((item) => {
      const parents = item.parents.map((parent) => ` - ${parent}\n`).join('');
      const lines: readonly (readonly [string, string])[] = [
        ['ID:\t\t', item.id],
        ...(parents === '' ? [] : [[`Parents:\n${parents}`.trimEnd(), ''] as const]),
        ['Created at:\t', goTime(item.createdMs)],
        ['Mutable:\t', String(item.mutable)],
        ['Reclaimable:\t', String(item.reclaimable)],
        ['Shared:\t\t', String(item.shared)],
        ['Size:\t\t', humanSize(item.bytes, 4)],
        ['Description:\t', item.description],
        ['Usage count:\t', String(item.usageCount)],
        ['Last used:\t', humanAgo(item.lastUsedMs)],
        ['Type:\t\t', item.type],
      ];
      return `${lines.map(([label, value]) => `${label}${value}\n`).join('')}\n`;
    })
    .join('');
}
