import type { KnownLayer } from '../../llb/results.ts';
import type { NativeApi } from '../../native/types.ts';
import { layerCompression } from '../../oci/index.ts';
import type { ImageContext } from '../context.ts';
import { notAnImage, unpackFailed } from '../errors.ts';

/**
 * Makes sure that a blob of the store is the layer that `name` says it is, and remembers it; what is remembered is not looked at again.
 * Throws `DIFFID_MISMATCH`, `IMAGE_UNSUPPORTED`, and the codes of compressed data.
 */
export async function proveLayer(
  {
    content,
    layerBlobs,
    native,
  }: Pick<ImageContext, 'content' | 'layerBlobs'> & { readonly native: Pick<NativeApi, 'digestLayer'> },
  { diffID, blob }: KnownLayer,
  name: string,
): Promise<void> {
  const { digest, size, mediaType } = blob;
  if (layerBlobs.known(diffID).some((known) => known.digest === digest)) return;
  const compression = layerCompression(mediaType);
  if (compression === undefined) throw notAnImage(name, `it has a layer of type ${mediaType}`);
  const request = { blob: content.path(digest), compression, expectedDiffID: diffID };
  await native.digestLayer(request).catch((error: unknown) => {
    throw unpackFailed(name, error);
  });
  await layerBlobs.record(diffID, { digest, size, mediaType, compression });
}
