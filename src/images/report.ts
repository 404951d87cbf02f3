import type { CopyEvent } from '../content/index.ts';
import { isIndexType, isManifestType } from '../oci/index.ts';
import type { TaskReporter } from './types.ts';

/** Shows a copy's blobs as tasks; manifests are too small to be worth a line. */
export function reportCopy(onTask: TaskReporter | undefined): (event: CopyEvent) => void {
  return ({ descriptor, status, current }) => {
    const { digest, size, mediaType } = descriptor;
    if (isManifestType(mediaType) || isIndexType(mediaType)) return;
    onTask?.(digest, current, size, status !== 'copying');
  };
}
