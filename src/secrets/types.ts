/**
 * What a build may use and must not keep: values that steps and sources ask for by id. A value lives in memory only, from the
 * moment somebody needs it until the build ends; it enters no layer, log, cache key, process list or record.
 */
export interface Secrets {
  /**
   * The value of `--secret id=…`; `undefined` when the build was given none of that id. Read once a build, when first asked for.
   * Throws `SECRET_UNREADABLE` for one that was given and cannot be read, `SECRET_TOO_LARGE` above 500 KiB (BuildKit's bound).
   */
  read(id: string): Promise<Buffer | undefined>;
  /** Values that were read so far: what a log must mask. */
  readonly values: Iterable<Buffer>;
}

/** Agents of `--ssh`, by id. */
export interface SshAgents {
  has(id: string): boolean;
  /** Opens a Unix socket of its own for one step or fetch, behind which the agent of that id answers. */
  open(id: string): Promise<SshSocket>;
}

export interface SshSocket {
  /** Of the socket, in a directory that only this user can enter. */
  readonly path: string;
  /** Ends all connections and takes the socket away. */
  close(): Promise<void>;
}
