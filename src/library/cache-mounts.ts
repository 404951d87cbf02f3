import type { CacheMountPlace } from '../build-types.ts';
import type { CacheMountInfo } from '../cache/index.ts';
import type { ExportedMounts, ExportOptions as ExportMountOptions } from '../cache/mounts/export.ts';
import type { ImportedMount, ImportOptions as ImportMountOptions } from '../cache/mounts/import.ts';
import type { MountChoice, RemovedMount } from '../cache/mounts/library.ts';
import { native } from '../native/index.ts';
import { withWorkspace } from '../workspace.ts';
import type { StoreOptions } from './options.ts';
import { EXISTING, READ } from './options.ts';

/** The cache mounts of the store (`RUN --mount=type=cache`), last used first. */
export function listCacheMounts(
  options: { readonly measured?: boolean } & StoreOptions = {},
): Promise<readonly CacheMountInfo[]> {
  return withWorkspace(
    options.root,
    async ({ store }) => {
      const { listCacheMounts: list } = await import('../cache/index.ts');
      return await list(store, native, options);
    },
    READ,
  );
}

/**
 * Takes cache mounts, given by id or by the beginning of their names, to a place as OCI artifacts. What the place has of other ids
 * stays; only what it lacks is sent. Throws `CACHE_MOUNT_NOT_FOUND`, `CACHE_MOUNT_BUSY`.
 */
export function exportCacheMounts(
  choice: MountChoice,
  place: CacheMountPlace,
  options: ExportMountOptions & StoreOptions = {},
): Promise<ExportedMounts> {
  return withWorkspace(
    options.root,
    async (workspace) => {
      await workspace.sweep();
      const { exportChosen } = await import('../cache/mounts/library.ts');
      return await exportChosen({ ...workspace, native }, choice, place, options);
    },
    EXISTING,
  );
}

/**
 * Brings cache mounts from a place where they were exported to: some ids, or all. Throws `CACHE_MOUNT_NOT_FOUND`,
 * `CACHE_MOUNT_IN_USE`, `CACHE_MOUNT_ARTIFACT_INVALID`.
 */
export function importCacheMounts(
  choice: MountChoice,
  place: CacheMountPlace,
  options: ImportMountOptions & StoreOptions = {},
): Promise<readonly ImportedMount[]> {
  return withWorkspace(options.root, async (workspace) => {
    await workspace.sweep();
    const { importChosen } = await import('../cache/mounts/library.ts');
    return await importChosen({ ...workspace, native }, choice, place, options);
  });
}

/** Removes cache mounts. Throws `CACHE_MOUNT_NOT_FOUND`, `CACHE_MOUNT_IN_USE`. */
export function removeCacheMounts(
  choice: MountChoice,
  options: { readonly signal?: AbortSignal } & StoreOptions = {},
): Promise<readonly RemovedMount[]> {
  return withWorkspace(
    options.root,
    async ({ store }) => {
      const { removeChosen } = await import('../cache/mounts/library.ts');
      return await removeChosen({ store, native }, choice, options.signal);
    },
    EXISTING,
  );
}
