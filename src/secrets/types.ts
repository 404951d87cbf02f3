/**
 * What a build may use and must not keep: values that steps and sources ask for by id. A value lives in memory only, from the
 * moment somebody needs it until the build ends; it enters no layer, log, cache key, process list or record.
 */
export interface Secrets {
  /** Whether the build was given one of that id. Reads nothing. */
  has(id: string): boolean;
  /**
   * The value of `--secret id=…`; `undefined` when the build was given none of that id. Read once a build, when first asked for;
   * the buffer is shared: never changed by who reads it.
   * Throws `SECRET_UNREADABLE` for one that was given and cannot be read, `SECRET_TOO_LARGE` above 500 KiB (BuildKit's bound).
   */
  read(id: string): Promise<Buffer | undefined>;
  /** Values that were read so far: what a log must mask. */
  readonly values: Iterable<Buffer>;
  /** Overwrites what was read. Nothing can be read afterwards. */
  dispose(): void;
}

/** Agents of `--ssh`, by id. */
export interface SshAgents {
  has(id: string): boolean;
  /**
   * Opens a Unix socket of its own for one step or fetch, behind which the agent of that id answers; all that it does is to name
   * its keys and to sign. Throws `SSH_AGENT_MISSING` when there is none of that id, `SSH_AGENT_FAILED`.
   */
  open(id: string, options?: SshSocketOptions): Promise<SshSocket>;
}

/** Permissions of a socket file; by default only this user may connect. */
export interface SshSocketOptions {
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface SshSocket {
  /**
   * Of the socket, in a directory that only this user can enter. Short enough for every program; may lead through /proc of this
   * process, so it is good for as long as the socket is open.
   */
  readonly path: string;
  /** Ends all connections and takes the socket away. */
  close(): Promise<void>;
}
