import { familiarName, familiarReference } from '../../oci/index.ts';
import { type DetailsContext, type ImageDetails, parseTime, readDetails } from '../details.ts';
import { imageNotFound } from '../errors.ts';
import type { ImageRecord, ListFilters } from '../types.ts';
import { requireImage } from './find.ts';
import { isDangling, isDigestName, parseName } from './names.ts';
import { compilePathPattern } from './path-pattern.ts';

export interface CompiledFilters {
  readonly keepsImage: (details: ImageDetails, records: readonly ImageRecord[]) => boolean;
  readonly keepsName: (record: ImageRecord) => boolean;
}

/** Docker's filters of images (daemon/images/images.go). Throws `IMAGE_NOT_FOUND` for an unknown `before` or `since`. */
export async function compileFilters(context: DetailsContext, filters: ListFilters): Promise<CompiledFilters> {
  const before = filters.before === undefined ? undefined : await readCreated(context, filters.before);
  const since = filters.since === undefined ? undefined : await readCreated(context, filters.since);
  const patterns = filters.reference?.map(compilePathPattern);
  const hasLabels = compileLabels(filters.label ?? []);

  const keepsName = ({ name }: ImageRecord): boolean => {
    if (patterns === undefined) return true;
    const reference = parseName(name);
    if (reference === undefined) return false;
    return patterns.some((matches) => matches(familiarReference(reference)) || matches(familiarName(reference)));
  };
  return {
    keepsName,
    keepsImage(details, records) {
      const created = parseTime(details.config.created) ?? 0;
      if (before !== undefined && created >= before) return false;
      if (since !== undefined && created <= since) return false;
      if (!hasLabels(details.config.config?.Labels ?? {})) return false;
      const hasTag = records.some(({ name }) => !isDangling(name) && !isDigestName(name));
      if (filters.dangling !== undefined && filters.dangling === hasTag) return false;
      return records.some(keepsName);
    },
  };
}

async function readCreated(context: DetailsContext, text: string): Promise<number> {
  const details = await readDetails(context, requireImage(context.records, text).record);
  if (details === undefined) throw imageNotFound(text);
  return parseTime(details.config.created) ?? 0;
}

/** Whether an image has all of some labels, each `key` or `key=value`. */
export function compileLabels(texts: readonly string[]): (given: Readonly<Record<string, string>>) => boolean {
  const labels = texts.map(parseLabel);
  return (given) =>
    labels.every(({ key, value }) => Object.hasOwn(given, key) && (value === undefined || given[key] === value));
}

function parseLabel(text: string): { readonly key: string; readonly value: string | undefined } {
  const equals = text.indexOf('=');
  return equals < 0 ? { key: text, value: undefined } : { key: text.slice(0, equals), value: text.slice(equals + 1) };
}
