import { type Digest, isDigest, parseTaggedReference, type Reference } from '../../oci/index.ts';
import { imageAmbiguous, imageNotFound } from '../errors.ts';
import type { ImageRecord } from '../types.ts';
import { idPrefix, parseName, recordName } from './names.ts';
import type { ImageRecords } from './records.ts';

/** What a user's words mean: one record, and whether they named it or gave (the beginning of) its ID. */
export interface FoundImage {
  readonly record: ImageRecord;
  readonly by: 'name' | 'id';
}

/**
 * Finds an image as docker does: a whole ID first, then a name, then the beginning of an ID. A digest after a name is the
 * target's. Throws `IMAGE_AMBIGUOUS`.
 */
export function findImage(records: ImageRecords, text: string): FoundImage | undefined {
  if (isDigest(text)) return byID(records, text, (record) => record.imageID === text || record.target.digest === text);
  const named = findNamed(records, text);
  if (named !== undefined) return { record: named, by: 'name' };
  const prefix = idPrefix(text);
  if (prefix === undefined) return undefined;
  return byID(records, text, (record) => record.imageID.startsWith(`sha256:${prefix}`));
}

/** The image of a name alone: where a short text may be something else's name, and only then the beginning of an ID. */
export function findNamed(records: ImageRecords, text: string): ImageRecord | undefined {
  const reference = readReference(text);
  return reference === undefined ? undefined : byName(records, reference);
}

/** Like `findImage`; throws `IMAGE_NOT_FOUND`. */
export function requireImage(records: ImageRecords, text: string): FoundImage {
  const found = findImage(records, text);
  if (found === undefined) throw imageNotFound(text);
  return found;
}

function byName(records: ImageRecords, reference: Reference): ImageRecord | undefined {
  const exact = records.get(recordName(reference));
  if (exact !== undefined || reference.digest === undefined) return exact;
  // The same content under a tag of the same repository.
  return records.all().find(({ name, target }) => {
    const other = parseName(name);
    return target.digest === reference.digest && other?.domain === reference.domain && other.path === reference.path;
  });
}

function byID(records: ImageRecords, text: string, matches: (record: ImageRecord) => boolean): FoundImage | undefined {
  const found = records.all().filter(matches);
  const ids = [...new Set<Digest>(found.map((record) => record.imageID))];
  if (ids.length > 1) throw imageAmbiguous(text, ids);
  const record = found[0];
  return record === undefined ? undefined : { record, by: 'id' };
}

function readReference(text: string): Reference | undefined {
  try {
    return parseTaggedReference(text);
  } catch {
    return undefined;
  }
}
