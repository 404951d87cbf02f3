import type { BuildRequest } from '../../build-types.ts';
import type { LockChange, LockEntry } from '../../lockfile/index.ts';
import type { Platform } from '../../oci/index.ts';

/** What to lock: the parts of a build's request that decide what its Dockerfile names. */
export interface LockRequest
  extends Pick<
    BuildRequest,
    | 'context'
    | 'contextStream'
    | 'dockerfile'
    | 'dockerfileText'
    | 'buildArgs'
    | 'buildContexts'
    | 'target'
    | 'secrets'
    | 'ssh'
    | 'offline'
    | 'root'
    | 'onProgress'
    | 'signal'
  > {
  /** Default: `<Dockerfile>.lock` beside the Dockerfile. */
  readonly lockFile?: string;
  /** Default: those of the lock file that is there, else this machine's. */
  readonly platforms?: readonly Platform[];
  /** Names, as the Dockerfile or the lock file says them, that are looked up again; the others stay as they are. */
  readonly update?: readonly string[];
  /** All names are looked up again. */
  readonly upgrade?: boolean;
  /** All that is locked, and all that the Dockerfile pins itself, is also brought into the store, for builds without a network. */
  readonly fetch?: boolean;
  /** `false`: no file is written. */
  readonly write?: boolean;
}

export interface LockResult {
  /** The file; absent for a Dockerfile that lies elsewhere, where nothing could be written. */
  readonly path?: string;
  /** What is in it. */
  readonly text: string;
  readonly changes: readonly LockChange[];
  readonly counts: { readonly images: number; readonly urls: number; readonly git: number };
}

/** What `lock --check` found besides an error. */
export interface LockCheckResult {
  readonly path: string;
  /** What the lock file has and nothing names any more. */
  readonly leftovers: readonly LockEntry[];
}
