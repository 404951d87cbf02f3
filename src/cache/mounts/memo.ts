import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Digest, isDigest } from '../../oci/index.ts';
import type { Store } from '../../store/index.ts';
import { writeWhole } from '../../whole-files.ts';
import { leftoverPath } from './facts.ts';

/** The blob that a part was packed to. */
export interface PackedPart {
  readonly digest: Digest;
  readonly size: number;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
}

/**
 * What is known of the parts of a directory from the last time it was packed or unpacked: fingerprint -> blob. What did not change since then, by stat(2),
 * is neither read nor packed again.
 */
export type PartMemo = ReadonlyMap<Digest, PackedPart>;

const FILE = 'parts.json';

export function readMemo(directory: string): PartMemo {
  try {
    const rows = JSON.parse(readFileSync(join(directory, FILE), 'utf8')) as readonly [Digest, Digest, number, number][];
    return new Map(
      rows
        .filter(([fingerprint, digest]) => isDigest(fingerprint) && isDigest(digest))
        .map(([fingerprint, digest, size, tarSize]) => [fingerprint, { digest, size, tarSize }]),
    );
  } catch {
    return new Map();
  }
}

export async function writeMemo(store: Pick<Store, 'owner'>, directory: string, memo: PartMemo): Promise<void> {
  const rows = [...memo].map(([fingerprint, { digest, size, tarSize }]) => [fingerprint, digest, size, tarSize]);
  writeWhole(join(directory, FILE), JSON.stringify(rows), { temporary: await leftoverPath(store, directory) });
}
