/** Changes of one Dockerfile and its context, each held against the same state before. */
export interface Scenario {
  readonly name: string;
  /**
   * `{busybox}` (and `{elsewhere}`, the same of another registry), `{variant}` (a tag of `VARIANTS`), `{web}`, `{git}` and `{id}` (unique to the scenario) are filled in, here and in
   * flags.
   */
  readonly dockerfile: string;
  /** Paths in the context; each file has a content of its own unless one is given. */
  readonly files?: Readonly<Record<string, string | undefined>>;
  /** Commands that make in the context what is no plain file. */
  readonly sh?: string;
  readonly flags?: readonly string[];
  /** What the web server answers below `/{id}/`. */
  readonly serve?: Readonly<Record<string, string>>;
  /** Why docker's BuildKit cannot build it here. */
  readonly noPeer?: string;
  readonly rows: readonly Row[];
}

export interface Row {
  /** What changed. */
  readonly change: string;
  /** Replacements in the Dockerfile; each must be found. */
  readonly edit?: readonly (readonly [from: string, to: string])[];
  /** Files of the context that get another content, or are new. */
  readonly write?: readonly string[];
  /** A content that is the same in all builds, by path. */
  readonly put?: Readonly<Record<string, string>>;
  readonly sh?: string;
  /** The context is sent as a tar on standard input. */
  readonly tar?: boolean;
  /** Stand instead of the scenario's. */
  readonly flags?: readonly string[];
  readonly serve?: Readonly<Record<string, string>>;
  /** The steps that run, by how they begin; all others come from the cache. */
  readonly runs: readonly string[];
  /** Where docker's BuildKit does otherwise, and why this program does not follow. */
  readonly peer?: {
    readonly runs?: readonly string[];
    /** At times it runs these instead. */
    readonly orRuns?: readonly string[];
    readonly why: string;
  };
}
