import { fields, flag, list, nullable, number, optional, type Shape, text } from '../shapes.ts';

/**
 * What the records of each table are, as JSON has types: enough that whoever reads one meets no other type than it expects. What the values
 * mean is theirs. Fields that came with a later version are optional.
 */
const SHAPES: ReadonlyMap<string, Shape> = new Map([
  ['blob-sources', list(text)],
  ['cache-definitions', fields({ identity: text, inputs: list(fields({})) })],
  [
    'cache-records',
    fields({
      snapshots: list(nullable(text)),
      name: optional(text),
      createdMs: optional(number),
      lastUsedMs: optional(number),
    }),
  ],
  ['chains', text],
  ['content-digests', text],
  ['disk-usage', fields({ bytes: number, measuredMs: number, agedMs: optional(number) })],
  ['git-refs', fields({ commit: text, object: text, ref: optional(text) })],
  [
    'http-files',
    fields({
      found: fields({}),
      snapshot: text,
      size: optional(number),
      etag: optional(text),
      lastModified: optional(text),
    }),
  ],
  [
    'images',
    fields({
      name: text,
      target: fields({ mediaType: text, digest: text, size: optional(number) }),
      imageID: text,
      createdMs: number,
    }),
  ],
  ['layer-blobs', list(fields({ digest: text, size: number, mediaType: text, compression: text }))],
  [
    'snapshots',
    fields({
      parent: nullable(text),
      createdMs: number,
      changesOf: optional(text),
      ownRoot: optional(flag),
      unsettledBoot: optional(text),
      diffID: optional(text),
      diffSize: optional(number),
      contentSize: optional(number),
      emptyLayer: optional(flag),
    }),
  ],
  ['squashed-layers', text],
]);

/** Whether a record has the fields of its table, each of its type. Of a table that is not known here every record has. */
export function hasShape(table: string, record: unknown): boolean {
  return SHAPES.get(table)?.(record) ?? true;
}
