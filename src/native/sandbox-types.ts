import type { RootMount } from '../oci/index.ts';

/** The part of the addon that starts containers. */
export interface SandboxApi {
  /**
   * Starts one process in a container and streams what it prints. `onOutput` is called in order, with buffers that the
   * receiver may keep; when JS does not keep up, the process blocks on its pipe, so that memory stays bounded. Throws
   * synchronously only for a malformed request.
   */
  runSandbox(request: SandboxRequest, onOutput: (stream: 1 | 2, chunk: Buffer) => void): SandboxHandle;
  /** From now on no core dump is written of this process, whatever it dies of. */
  forbidCoreDumps(): void;
}

export interface SandboxHandle {
  /** Settles when the process, all that it started and all mounts are gone. Rejects with a `NativeError` when the container could not be made. */
  readonly exited: Promise<SandboxExit>;
  /** Kills everything in the container at once. Harmless when it is over. */
  kill(): void;
}

export interface SandboxExit {
  /** 0 to 255; 128 + signal when killed by a signal; 127 and 126 when the program was not found or not executable. */
  readonly code: number;
  /** Signal number, 0 when it exited by itself. */
  readonly signal: number;
  /** The kernel's out-of-memory killer struck meanwhile. */
  readonly oomKilled: boolean;
}

export interface SandboxRequest {
  /** Path of tsbuild-init. */
  readonly initPath: string;
  readonly root: RootMount;
  /** Mount the root so that flushes of its upper are dropped (see `volatile` in the kernel's overlayfs documentation). */
  readonly volatileRoot: boolean;
  /** In the order in which they are mounted. */
  readonly mounts: readonly SandboxMount[];
  /** Read-only files with generated content, mounted before `mounts`. */
  readonly files: readonly { readonly target: string; readonly content: string }[];
  readonly devices?: readonly SandboxDevice[];
  /** Supplementary groups beside those of the user. */
  readonly groups?: readonly number[];
  readonly args: readonly string[];
  /** `NAME=value`. HOME is added from the image's passwd when absent. */
  readonly env: readonly string[];
  /** More of them, as bytes; overwritten in memory where the addon holds them. */
  readonly secretEnv?: readonly Buffer[];
  readonly cwd: string;
  readonly user: string;
  readonly hostname: string;
  /** A network namespace with nothing but loopback; otherwise the caller's own network. */
  readonly privateNetwork: boolean;
  readonly insecure: boolean;
  /** What runs in it leaves no core dump. */
  readonly confidential?: boolean;
}

/** A device node or pipe, mounted at `target`. At most 1024. */
export interface SandboxDevice {
  readonly target: string;
  /** Mounted instead where none can be made. */
  readonly hostPath: string;
  readonly type: 'b' | 'c' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  /** Absent: that of the process. */
  readonly uid?: number;
  readonly gid?: number;
  /** `r` and `w` as in device cgroups; a node can always be made. */
  readonly permissions: string;
}

/** One mount: a tree, a file with `content`, or else a tmpfs. */
export interface SandboxMount {
  readonly target: string;
  readonly tree?: RootMount;
  readonly selector?: string;
  readonly readonly?: boolean;
  /** Of a tree. */
  readonly restrict?: readonly ('nosuid' | 'nodev' | 'noexec')[];
  /** Of a tmpfs; 0 or absent: the kernel's default. */
  readonly sizeBytes?: number;
  /** Of a tmpfs, where 1777 is the default, or of a file. */
  readonly mode?: number;
  /** A read-only file in memory that is not swapped out. At most 500 KiB. */
  readonly content?: Buffer;
  /** Of such a file. */
  readonly uid?: number;
  readonly gid?: number;
}
