import type { Digest, Platform } from '../oci/index.ts';
import type { EnvList } from './env-list.ts';

/**
 * The build graph as values. Shapes and words follow BuildKit's LLB (solver/pb/ops.proto); an op is identified by the
 * digest of its canonical bytes, so equal work is one vertex whoever asked for it. Nothing here runs anything.
 */
export interface OpInput {
  /** Digest of the op that makes the input. */
  readonly digest: Digest;
  /** Which of its outputs; 0 for all but exec ops with writable mounts. */
  readonly index: number;
}

export type Op = SourceOp | ExecOp | FileOp | MergeOp;

/** Where data enters the graph. */
export interface SourceOp {
  readonly type: 'source';
  readonly inputs: readonly [];
  /**
   * `docker-image://docker.io/library/busybox:1@sha256:…` (a resolved reference), `oci-layout://…`,
   * `local://<context name>` (`local://context` is the main one), `https://…` (one file), `git://<host>/<path>#<ref>:<subdir>`.
   */
  readonly identifier: string;
  readonly platform?: Platform;
  /** BuildKit's names: `http.checksum`, `http.filename`, `git.fullurl`, `git.keepgitdir` … Never a secret, only the id of one. */
  readonly attrs: Readonly<Record<string, string>>;
}

/** Runs one process in a container. */
export interface ExecOp {
  readonly type: 'exec';
  readonly inputs: readonly OpInput[];
  readonly platform: Platform;
  readonly meta: ExecMeta;
  readonly mounts: readonly ExecMount[];
  readonly network: 'host' | 'none' | 'default';
  readonly security: 'sandbox' | 'insecure';
  /** BuildKit's cdiDevices; absent when there are none. Which devices of the machine they are is no part of any key. */
  readonly devices?: readonly DeviceRequest[];
}

/** `RUN --device`. */
export interface DeviceRequest {
  /** `vendor.com/class=name`, `vendor.com/class` (the first), `vendor.com/class=*` (all), or a class of devices. */
  readonly name: string;
  /** One that is not required and not there is done without. */
  readonly required: boolean;
}

export interface ExecMeta {
  readonly args: readonly string[];
  /** The variables of the process, without those of `proxyEnv`. */
  readonly env: EnvList;
  readonly cwd: string;
  /** `user[:group]`, names or ids, resolved in the image's own passwd and group; empty is root. */
  readonly user: string;
  /** Proxy variables: given to the process, kept out of the op's digest and so of every cache key. */
  readonly proxyEnv?: readonly string[];
  readonly extraHosts?: readonly { readonly host: string; readonly ip: string }[];
  readonly hostname?: string;
}

export type ExecMount = MountKind & {
  /** The target as it was written, which is what BuildKit has in its keys, where that is not `target`: `/dir/`. */
  readonly written?: string;
};

type MountKind =
  /** A tree: the rootfs (`target: '/'`), or RUN --mount=bind. `input` indexes the op's inputs, -1 is an empty tree. */
  | {
      readonly type: 'bind';
      readonly input: number;
      readonly target: string;
      /** Path inside the input's tree that is mounted; `/` for all of it. */
      readonly selector: string;
      readonly readonly: boolean;
      /** The op's output that this mount becomes; -1 when writes are discarded. The rootfs is output 0. */
      readonly output: number;
    }
  | {
      readonly type: 'cache';
      readonly id: string;
      readonly target: string;
      readonly sharing: 'shared' | 'private' | 'locked';
      readonly readonly: boolean;
      /** Tree that a new cache starts from, -1 for none. */
      readonly input: number;
      readonly selector: string;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      /** One of the three was written, be it as it would be anyway: BuildKit tells these from those where none was. */
      readonly owned?: true;
    }
  | { readonly type: 'tmpfs'; readonly target: string; readonly sizeBytes?: number; readonly readonly?: boolean }
  /** A value of `--secret`: as a file at `target`, in the variable `env`, or both. Its content is no part of any key. */
  | {
      readonly type: 'secret';
      readonly id: string;
      readonly target?: string;
      readonly env?: string;
      readonly required: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  /** The socket of an agent of `--ssh`. */
  | {
      readonly type: 'ssh';
      readonly id: string;
      readonly target: string;
      readonly required: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

/** Trees laid one over the other, the lowest first: BuildKit's MergeOp. Nothing of them is read or copied. */
export interface MergeOp {
  readonly type: 'merge';
  readonly inputs: readonly OpInput[];
}

/** Changes a file tree without running anything of it. */
export interface FileOp {
  readonly type: 'file';
  /** inputs[0] is the tree that is changed (absent for scratch: see `base`), the others are read by copies. */
  readonly inputs: readonly OpInput[];
  /** Index in `inputs` of the tree that the actions change; -1 is an empty tree. */
  readonly base: number;
  readonly actions: readonly FileAction[];
}

export type FileAction = CopyAction | MakeDirAction | MakeFileAction;

/** COPY and ADD: BuildKit's FileActionCopy. */
export interface CopyAction {
  readonly type: 'copy';
  /** Index in the op's inputs. */
  readonly input: number;
  /** Path or wildcard pattern in the input's tree, absolute, cleaned. */
  readonly src: string;
  /** Absolute path in the changed tree; a trailing `/` means "into this directory". */
  readonly dest: string;
  /** The destination as BuildKit has it in its keys, where that is not `dest`: `/dir/.`. */
  readonly written?: string;
  /** `user[:group]` in the changed tree's own passwd; absent is 0:0. */
  readonly owner?: string;
  /** Octal permission bits to set on everything copied. */
  readonly mode?: number;
  /** `--chmod` as chmod(1) writes it, `u=rwX,go=rX`: changes the bits that each file has. */
  readonly modeChange?: string;
  readonly followSymlinks: boolean;
  /** A directory's contents are copied, not the directory itself. Docker always does. */
  readonly dirCopyContents: boolean;
  readonly allowWildcard: boolean;
  readonly allowEmptyWildcard: boolean;
  readonly createDestPath: boolean;
  /** ADD: a local archive (tar, gzip, bzip2, xz, zstd by content) is unpacked instead of copied. */
  readonly attemptUnpack: boolean;
  /** Of a directory only what these match is copied, with the directories above it. Ignore patterns, relative to it. */
  readonly includePatterns?: readonly string[];
  /** Of a directory what these match is not copied. */
  readonly excludePatterns?: readonly string[];
  /** An absolute path in the input's tree that has to be there; it decides about nothing else, and is no part of any key. */
  readonly requiredPath?: string | undefined;
}

export interface MakeDirAction {
  readonly type: 'mkdir';
  readonly path: string;
  readonly mode: number;
  readonly makeParents: boolean;
  readonly owner?: string;
  /** Seconds since 1970 (`SOURCE_DATE_EPOCH`), of every directory that is made; absent: now. */
  readonly mtime?: number;
}

/** A heredoc's content, or a small generated file. */
export interface MakeFileAction {
  readonly type: 'mkfile';
  /** Absolute; a trailing `/` is not allowed. */
  readonly path: string;
  readonly mode: number;
  readonly data: string;
  readonly owner?: string;
}

/** What people call an op's inputs, by number: `stage "build"`. Those that are a matter of course have no name. */
export type InputNames = ReadonlyMap<number, string>;

/** What lies beside an op and is no part of its identity. */
export interface OpMetadata {
  /** `[build 2/3] RUN make`: the vertex name that progress shows. */
  readonly name: string;
  /** Where it came from, for error frames. */
  readonly source?: SourceLocation;
  /** For errors about what the op reads. */
  readonly inputNames?: InputNames;
  /** Of a process: the ARGs that are among its variables, to tell them from ENV. */
  readonly buildArgs?: EnvList;
  /** `--no-cache`: run even when a result is cached. */
  readonly ignoreCache?: boolean;
}

export interface SourceLocation {
  /** Dockerfile path as given. */
  readonly file: string;
  /** 1-based lines, 0-based columns, end exclusive. */
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

/** A whole marshalled graph: ops by digest, in an order where inputs come first. */
export interface Definition {
  readonly ops: ReadonlyMap<Digest, Op>;
  readonly metadata: ReadonlyMap<Digest, OpMetadata>;
  /** The result; `undefined` is an empty tree (`FROM scratch` and nothing else). */
  readonly head: OpInput | undefined;
}
