import type { RootMount } from '../oci/index.ts';

/**
 * Runs one process in a container of its own. The caller gives trees and paths as data; every mount is made inside the
 * container's own mount namespace, so whatever ends the process (exit, abort, a kill of this very program) leaves
 * neither a mount nor a process behind.
 */
export interface Executor {
  /**
   * Resolves when the process and everything it started are gone. A non-zero exit is a result, not an error; rejects with
   * a TsbuildError when the container could not be made, and with the signal's reason after an abort (all is killed first).
   */
  run(spec: ProcessSpec, options: RunOptions): Promise<ExitStatus>;
}

export interface ProcessSpec {
  /** The root file system; writable when it has an `upper`. */
  readonly root: RootMount;
  readonly mounts: readonly ProcessMount[];
  readonly args: readonly string[];
  /** `NAME=value`. PATH is added when absent, HOME from the image's passwd. */
  readonly env: readonly string[];
  /** Variables whose values are kept as secret as the content of a secret mount; they win over those of `env`. */
  readonly secretEnv?: readonly SecretVariable[];
  /** Absolute; made when absent, with the ownership that docker gives it. */
  readonly cwd: string;
  /** `user[:group]`, names or ids, resolved in the image's own passwd and group; empty is root. */
  readonly user: string;
  readonly hostname: string;
  readonly network: 'host' | 'none';
  /** `true`: all capabilities, no seccomp, no masked paths. */
  readonly insecure: boolean;
  readonly extraHosts: readonly { readonly host: string; readonly ip: string }[];
  /** Beside those that every container has. Nothing else of the host's can be opened. */
  readonly devices?: readonly ProcessDevice[];
  /** Supplementary groups beside those of the user. */
  readonly groups?: readonly number[];
}

/** A device node, mounted at `target`; it is no part of the tree. */
export interface ProcessDevice {
  readonly target: string;
  /** The host's own node: used as it is where a user namespace lets none be made. */
  readonly hostPath: string;
  readonly type: 'b' | 'c' | 'p';
  readonly major: number;
  readonly minor: number;
  readonly mode: number;
  /** Absent: that of the process. */
  readonly uid?: number;
  readonly gid?: number;
  /** Letters of `rwm`: how it may be opened. Without control groups only the mode says so. */
  readonly permissions: string;
}

export interface SecretVariable {
  readonly name: string;
  readonly value: Uint8Array;
}

/** Mounted in order of target depth after the root. A missing target is made, and taken away again after the run. */
export type ProcessMount =
  | {
      readonly type: 'tree';
      readonly target: string;
      readonly tree: RootMount;
      /** Path inside the tree, resolved without leaving it; a file is allowed. */
      readonly selector: string;
      readonly readonly: boolean;
    }
  | {
      readonly type: 'tmpfs';
      readonly target: string;
      readonly sizeBytes?: number;
      readonly mode?: number;
      readonly readonly?: boolean;
    }
  /**
   * A read-only file that lies in memory which is not swapped out, and nowhere else. Neither the process nor anything it starts
   * leaves a core dump.
   */
  | {
      readonly type: 'secret';
      readonly target: string;
      readonly content: Uint8Array;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** A file or directory of the host's, whose path has no links. */
  | {
      readonly type: 'host';
      readonly target: string;
      readonly path: string;
      readonly readonly: boolean;
      readonly restrict: readonly ('nosuid' | 'nodev' | 'noexec')[];
    }
  /** A Unix socket of the host's, as it is. */
  | { readonly type: 'socket'; readonly target: string; readonly path: string };

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** Called with each chunk as it arrives, before `run` resolves. 1 is stdout, 2 stderr. */
  readonly onOutput: (stream: 1 | 2, chunk: Uint8Array) => void;
}

export interface ExitStatus {
  /** 0 to 255; 128 + signal number when killed by a signal. */
  readonly code: number;
  /** `SIGKILL` … when killed by one. */
  readonly signal?: NodeJS.Signals;
  readonly oomKilled: boolean;
}
