import type { Digest, RootMount } from '../oci/index.ts';
import type { LayersApi } from './layers-types.ts';
import type { SandboxApi } from './sandbox-types.ts';
import type { TablesApi } from './tables-types.ts';

export type * from './layers-types.ts';
export type * from './tables-types.ts';

/**
 * The C++ addon as TypeScript sees it: small requests, one to one with the structs of native/. Every failure is a `NativeError`
 * with `code` (an errno name, or one of our own), `syscall` and `path`. Long jobs run on threads of their own; where a tree has to
 * be mounted, in a mount namespace that lives as long as the thread.
 */
export interface NativeApi extends LayersApi, SandboxApi, TablesApi {
  /** For one job, which then can be looked at and ended. */
  createWatch(): JobWatch;
  /** Digest of parts of a tree, for cache keys. */
  hashTree(request: HashTreeRequest): Promise<HashTreeResult>;
  /** As `hashTree` for several parts of one tree, in order; what fails has its own error. Much cheaper than as many calls. */
  hashTrees(request: HashTreesRequest): Promise<readonly (HashTreeResult | Error)[]>;
  /** The digests of parts of a tree that BuildKit's cache keys are made of. */
  hashContent(request: HashContentRequest): Promise<HashContentResult>;
  /** What digests of one directory share when it is given to all of them (`HashTreeRequest.memo`). */
  createTreeMemo(): TreeMemo;
  /** The paths that a selection names, each ended by a zero byte; nothing of them is read. */
  findPaths(request: FindPathsRequest): Promise<string>;
  /** What is below a directory of a tree. */
  listTree(request: ListTreeRequest): Promise<ListTreeResult>;
  /** Makes directories and files and copies between trees: everything that COPY, ADD and WORKDIR do. */
  changeTree(request: ChangeTreeRequest): Promise<ChangeTreeResult>;
  /** Two entries of one file system change places in one step. */
  exchangePaths(a: string, b: string): Promise<void>;
  /** Removes a tree, whatever is in it; nothing there is fine. Never crosses a mount point nor follows a link. */
  removeTree(path: string): Promise<void>;
  /** Bytes on disk of a tree (st_blocks, each hardlink once). */
  measureTree(path: string): Promise<{ readonly bytes: number; readonly files: number }>;
  /**
   * Bytes on disk and number of files of each path, a tree or a file, itself included; what is not there is 0. Together they are what du(1)
   * says of all of them: a file of several names counts once.
   */
  measureTrees(request: {
    readonly paths: readonly string[];
    readonly watch?: JobWatch;
  }): Promise<{ readonly bytes: Float64Array; readonly files: Float64Array }>;
  /** SHA-256 of whole files, several at once: `sha256:…`, or the name of the errno (`EIO`) by which one cannot be read. */
  hashFiles(request: { readonly paths: readonly string[]; readonly watch?: JobWatch }): Promise<readonly string[]>;
  /** Flushes the file system that holds `path` (syncfs). */
  syncFileSystem(path: string): Promise<void>;
  /**
   * Copies the bytes `from` to `end` of `data` into `target` from `at` on, with `prefix` before each line that begins in them; the
   * first byte begins one when `begins`. There must be room for a prefix before every byte. Returns where in `target` they end.
   */
  prefixLines(
    this: void,
    target: Uint8Array,
    at: number,
    data: Uint8Array,
    from: number,
    end: number,
    prefix: Uint8Array,
    begins: boolean,
  ): number;
  /** flock(2) on `path` (made when absent). With `wait` false, resolves to `undefined` when somebody holds it. */
  lockFile(request: LockFileRequest): Promise<FileLock | undefined>;
}

export interface LockFileRequest {
  readonly path: string;
  readonly exclusive: boolean;
  readonly wait: boolean;
}

/** Held until released or until this process ends, however that happens. Never inherited by a child. */
export interface FileLock {
  release(): void;
}

/** Which files of a tree are meant. */
export interface TreeSelection {
  /** Absolute path or, with `wildcard`, a pattern by Go's filepath.Match, component by component. */
  readonly path: string;
  readonly wildcard: boolean;
  /** Follow a symlink that the path itself names (never out of the tree). */
  readonly followSymlinks: boolean;
  /** Compiled patterns (dockerfile/ignore/compile.ts) of what alone counts, relative to a matched directory, as in a copy. */
  readonly include?: string;
  /** Compiled patterns of what is left out, relative to a matched directory, as in a copy. */
  readonly exclude?: string;
  /** The selection matches nothing where this path is not there, whatever else it names. */
  readonly required?: string;
  /**
   * The attributes of a matched directory itself count too, as they do when it is mounted. Absent: only what is inside it counts,
   * which is all that COPY takes of it.
   */
  readonly includeRoot?: boolean;
}

export interface HashTreeRequest {
  readonly root: RootMount;
  readonly selections: readonly TreeSelection[];
  /** Compiled patterns of what does not exist for the caller (.dockerignore). */
  readonly ignore?: string;
  /** Owner ids enter the digest as they are; else all count as root's. */
  readonly includeOwner: boolean;
  /** As in `ChangeTreeSource`. */
  readonly gitModes?: boolean;
  /** File where digests by path, inode, size, mtime and ctime are remembered between calls; for plain directories only. */
  readonly statCachePath?: string;
  /**
   * A directory that another digest with this memo has read is not read again: it counts as it was. One memo is for one root, always
   * with the same `gitModes` and `statCachePath`.
   */
  readonly memo?: TreeMemo;
  /** Counts what is read. */
  readonly watch?: JobWatch;
  /** Directory in which a list of what was hashed is kept, named by the digest (history/file-list.ts); absent: none is. */
  readonly listDirectory?: string;
}

export interface HashTreesRequest extends Omit<HashTreeRequest, 'selections'> {
  readonly parts: readonly { readonly selections: readonly TreeSelection[] }[];
}

export interface HashTreeResult {
  readonly digest: Digest;
  readonly files: number;
  readonly bytes: number;
  /** Indexes of the selections that matched nothing. */
  readonly missing: readonly number[];
  /** Bytes that had to be read; the rest came from the stat cache. */
  readonly bytesRead: number;
}

export interface HashContentRequest {
  readonly root: RootMount;
  readonly selections: readonly Omit<TreeSelection, 'required' | 'includeRoot'>[];
  /** Compiled patterns of what does not exist for the caller (.dockerignore). */
  readonly ignore?: string;
  /** A directory of the user's, as BuildKit would get it from its client: owners do not count, nor what the directory itself is. */
  readonly local: boolean;
  /** Modes as git would check them out, and no attributes. */
  readonly gitModes?: boolean;
  /** As for `hashTree`, and never the same file: it holds other digests. */
  readonly statCachePath?: string;
  readonly watch?: JobWatch;
}

export interface HashContentResult {
  /** One for each selection; empty where it names nothing. */
  readonly digests: readonly (Digest | '')[];
  readonly files: number;
  /** Bytes that had to be read; the rest came from the stat cache. */
  readonly bytesRead: number;
}

export interface FindPathsRequest extends Pick<TreeSelection, 'path' | 'wildcard' | 'followSymlinks'> {
  readonly root: RootMount;
  readonly ignore?: string;
}

export interface ListTreeRequest {
  readonly root: RootMount;
  /** Where to begin; absent: the root. Symlinks on the way to it are followed inside the tree. No directory there is an empty list. */
  readonly path?: string;
  /** Compiled patterns of what is left out. Directories above what a `!` pattern includes again are left out too. */
  readonly ignore?: string;
  /** What the patterns exclude is listed too, and marked. */
  readonly includeIgnored?: boolean;
  /** Absent: no bound. */
  readonly maxEntries?: number;
  /** Levels that are looked into; absent: all. */
  readonly maxDepth?: number;
}

/** Columns: the nth of each belongs to the nth entry. Those nearest to the root come first. */
export interface ListTreeResult {
  /** From the tree's root, each ended by a zero byte. */
  readonly paths: string;
  /** One letter each, as find(1) has them: f file, d directory, l symlink, p fifo, s socket, c and b devices. */
  readonly types: string;
  /** `1` for what the patterns exclude, `0` otherwise. */
  readonly ignored: string;
  /** Bytes of files and of symlinks' targets, 0 of others. */
  readonly sizes: Float64Array;
  /** There was more. */
  readonly truncated: boolean;
}

export interface ChangeTreeRequest {
  /** The tree that is changed; has an `upper`. */
  readonly root: RootMount;
  readonly sources: readonly ChangeTreeSource[];
  readonly actions: readonly TreeAction[];
  /** Owners that the tree does not know are refused (`USER_NOT_FOUND`, `GROUP_NOT_FOUND`); absent: an unknown user is root. */
  readonly ownersMustExist?: boolean;
  /** Counts what is written. */
  readonly watch?: JobWatch;
}

/** Held by the addon; what it keeps is freed with it. */
export interface TreeMemo {
  readonly memo: never;
}

/** What is known of a long job while it runs. */
export interface JobWatch {
  progress(): { readonly files: number; readonly bytes: number };
  /** The job soon rejects with `ECANCELED`, and leaves what it has made so far. */
  cancel(): void;
}

export interface ChangeTreeSource {
  readonly root: RootMount;
  readonly ignore?: string;
  /**
   * Everything in it counts as root's: a build context, where owners are those of the user's machine. Absent: a copy without
   * `owner` keeps the owners that it finds (COPY --from does).
   */
  readonly ownedByRoot?: boolean;
  /**
   * The tree is read as a checkout by git with umask 022: files are 0644, or 0755 where their owner may run them, directories 0755, and
   * there are neither attributes nor hardlinks.
   */
  readonly gitModes?: boolean;
}

/** Mirrors llb FileAction, with inputs as indexes into `sources`. Modes are octal permission bits, times whole seconds. */
export type TreeAction =
  | {
      readonly type: 'copy';
      readonly source: number;
      readonly src: string;
      readonly dest: string;
      readonly owner?: string;
      readonly mode?: number;
      /** As chmod(1) writes it; stands instead of `mode`. */
      readonly modeChange?: string;
      readonly followSymlinks: boolean;
      readonly dirCopyContents: boolean;
      readonly allowWildcard: boolean;
      readonly allowEmptyWildcard: boolean;
      readonly createDestPath: boolean;
      readonly attemptUnpack: boolean;
      /** Compiled patterns, relative to the copied directory: what alone is copied, with the directories above it. */
      readonly include?: string;
      /** Compiled patterns, relative to the copied directory. */
      readonly exclude?: string;
    }
  | {
      readonly type: 'mkdir';
      readonly path: string;
      readonly mode: number;
      readonly makeParents: boolean;
      readonly owner?: string;
      /** Seconds since 1970, of every directory that is made; absent: now. */
      readonly mtime?: number;
    }
  | {
      readonly type: 'mkfile';
      readonly path: string;
      readonly mode: number;
      readonly data: string;
      readonly owner?: string;
    };

export interface ChangeTreeResult {
  readonly files: number;
  readonly bytes: number;
  /** Each once. */
  readonly unknownOwners: readonly UnknownOwner[];
}

/** A name of an `owner` that the tree does not have. */
export interface UnknownOwner {
  readonly type: 'user' | 'group';
  readonly name: string;
  /** There is an /etc/passwd (/etc/group). */
  readonly fileExists: boolean;
  /** Names in it, as many as may help to find what was meant. */
  readonly known: readonly string[];
}
