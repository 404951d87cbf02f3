import type { RootMount } from '../oci/index.ts';

/** The directories behind RUN --mount=type=cache, shared by all builds and processes that use the store. */
export interface CacheMounts {
  /**
   * Takes the directory of a cache, making and filling it at its first use. `locked` waits until nobody else has it, `private`
   * takes another one when it is in use. A process that dies holds nothing.
   */
  acquire(request: CacheMountRequest): Promise<CacheMountLease>;
}

export interface CacheMountRequest {
  readonly id: string;
  readonly sharing: 'shared' | 'private' | 'locked';
  /** Of a new directory: permission bits and owner. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** What a new directory is filled with. `name` says which tree that is: another tree is another cache. */
  readonly seed?: { readonly name: string; readonly fill: (target: RootMount) => Promise<void> };
  readonly signal: AbortSignal;
}

export interface CacheMountLease {
  /** A plain writable directory. */
  readonly mount: RootMount;
  release(): void;
}
