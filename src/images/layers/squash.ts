import type { Digest } from '../../oci/index.ts';
import { packChanges } from '../../snapshot/differ.ts';
import type { ImageContext } from '../context.ts';
import type { MaterializeOptions, PackedSnapshot } from '../types.ts';
import { packBlob } from './pack.ts';

/**
 * `ImageStore.packSquashed`: a stack of snapshots as one layer. It is a blob from the beginning: nobody builds on the squashed tree
 * before the image itself is a base, and is unpacked as any other.
 */
export async function packSquashed(
  context: ImageContext,
  snapshot: string,
  base: string | undefined,
  options: MaterializeOptions,
): Promise<PackedSnapshot> {
  // Snapshots never change, so neither does what they become together.
  const table = context.store.table<Digest>('squashed-layers');
  const key = `${snapshot} ${base ?? '-'}`;
  const diffID = table.get(key);
  const fits = ({ compression }: { readonly compression: string }): boolean =>
    compression === (options.compression ?? 'gzip');
  const blob = diffID === undefined ? undefined : context.layerBlobs.find(diffID).find(fits);
  if (diffID !== undefined && blob !== undefined && (await context.content.claim(blob.digest))) return { diffID, blob };
  const packed = await packBlob(context, options, (output, compression) =>
    packChanges(context, snapshot, base, { compression, output }),
  );
  await table.put(key, packed.diffID);
  return packed;
}
