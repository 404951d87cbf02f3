import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IMAGE_NAME_ANNOTATION, type Provider, REF_NAME_ANNOTATION } from '../../content/index.ts';
import { type Descriptor, encodeJson, type Index, MediaType } from '../../oci/index.ts';
import { writeFailed } from '../../store/errors.ts';
import { writeWhole } from '../../whole-files.ts';
import { wholeTargets } from '../graph.ts';
import type { ImageRecord } from '../types.ts';
import { isDangling } from './names.ts';

/**
 * Writes the store's `index.json`: the named images of which every blob is in the store, so that other tools can read the store
 * as an OCI layout (`skopeo inspect oci:<root>:docker.io/library/app:1`). The caller holds the lock of the records.
 * Throws `STORE_FULL`, `STORE_WRITE_FAILED`.
 */
export async function writeLayoutIndex(
  root: string,
  content: Pick<Provider, 'stat' | 'read'>,
  records: readonly ImageRecord[],
): Promise<void> {
  const manifests: Descriptor[] = [];
  for (const { name, target } of records) {
    if (isDangling(name)) continue;
    const annotations = { [IMAGE_NAME_ANNOTATION]: name, [REF_NAME_ANNOTATION]: name };
    for (const whole of await readWhole(content, target))
      manifests.push({ ...whole, annotations: { ...whole.annotations, ...annotations } });
  }
  const index: Index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
  writeIfChanged(join(root, 'index.json'), encodeJson(index));
}

/** A damaged image is not listed; the others still are. */
async function readWhole(content: Pick<Provider, 'stat' | 'read'>, target: Descriptor): Promise<readonly Descriptor[]> {
  try {
    return await wholeTargets(content, target);
  } catch {
    return [];
  }
}

/** All names, for `fsck` to find them by when the tables are lost: those of built images, which `index.json` cannot list, too. */
export function writeRecordsCopy(meta: string, records: readonly ImageRecord[]): void {
  writeIfChanged(join(meta, 'images.json'), encodeJson(records), false);
}

function writeIfChanged(path: string, bytes: Buffer, flush = true): void {
  try {
    if (readFileSync(path).equals(bytes)) return;
  } catch {
    // Not there: it is written.
  }
  try {
    writeWhole(path, bytes, { flush });
  } catch (error) {
    throw writeFailed(path, error);
  }
}
