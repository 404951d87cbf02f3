import { chainIDs } from '../../oci/index.ts';
import type { ImageContext } from '../context.ts';
import type { ResolvedImage } from '../types.ts';

/** `ImageSource.hasLayers`. From the top: what is below a layer that is unpacked is never looked at. */
export function hasLayers({ chains, content, layerBlobs }: ImageContext, image: ResolvedImage): boolean {
  if (image.origin !== undefined) return true;
  const diffIDs = image.config.rootfs.diff_ids;
  const ids = chainIDs(diffIDs);
  for (let at = diffIDs.length - 1; at >= 0; at--) {
    const [chainID, diffID] = [ids[at], diffIDs[at]];
    if (chainID === undefined || diffID === undefined || chains.find(chainID) !== undefined) return true;
    const listed = image.manifest?.content.layers[at];
    const isStored = listed !== undefined && content.stat(listed.digest) !== undefined;
    if (!isStored && layerBlobs.find(diffID).length === 0) return false;
  }
  return true;
}
