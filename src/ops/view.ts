import type { RootMount } from '../oci/index.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';

/** The read-only mount of a snapshot result; the empty tree has no layers at all. */
export function viewResult(snapshotter: Pick<Snapshotter, 'view'>, name: string | undefined): RootMount {
  return name === undefined ? { lowers: [] } : snapshotter.view(name);
}
