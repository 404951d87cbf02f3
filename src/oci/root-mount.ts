/**
 * A file tree as data: a stack of directories, to be mounted by whoever needs to look at it. Snapshots, contexts and
 * cache mounts all take this shape; mounting is a separate act, done inside a private mount namespace.
 */
export interface RootMount {
  /** Read-only directories, topmost first. Overlay whiteouts in them are honoured. May be empty. */
  readonly lowers: readonly string[];
  /** Where writes go; absent for a read-only view. With no lowers this is a plain directory. */
  readonly upper?: string;
  /** The overlay's work directory, beside `upper` on the same file system; needed with `upper` and lowers. */
  readonly work?: string;
}
