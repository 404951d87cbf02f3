/** What an op evaluates to: one file tree, as data. */
export type OpResult = SnapshotResult | LocalResult;

/** A tree in the store. */
export interface SnapshotResult {
  readonly kind: 'snapshot';
  /** The committed snapshot's name; `undefined` is the empty tree. */
  readonly name: string | undefined;
}

/** A directory outside the store, as it is at this moment: it may change under the build, and is never written to. */
export interface LocalResult {
  readonly kind: 'local';
  readonly directory: string;
  /** Compiled patterns (dockerfile/ignore/compile.ts) of what does not exist for the build. */
  readonly ignore?: string;
  /** Where these come from, for messages. */
  readonly ignoreFile?: IgnoreFile;
  /** It was made for this build: owners in it count as in any tree, and nobody changes it. */
  readonly isUnpacked?: boolean;
}

/** The patterns of an ignore file as people wrote them. */
export interface IgnoreFile {
  /** As people call it: `.dockerignore`. */
  readonly name: string;
  readonly lines: readonly { readonly pattern: string; readonly line: number }[];
}
