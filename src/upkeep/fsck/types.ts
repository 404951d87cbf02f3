import type { UpkeepContext, UpkeepNative } from '../types.ts';

/** `error`: something cannot be used; `warning`: it only takes room, or is made anew. */
export type Severity = 'error' | 'warning';

/** What can be wrong with a store. */
export type FindingCode =
  | 'format-file'
  | 'tables-damaged'
  | 'record-unreadable'
  | 'record-invalid'
  | 'blob-damaged'
  | 'blob-unreadable'
  | 'image-broken'
  | 'image-incomplete'
  | 'image-record'
  | 'index-stale'
  | 'snapshot-missing'
  | 'snapshot-orphan'
  | 'snapshot-untrusted'
  | 'snapshot-parent'
  | 'snapshot-shape'
  | 'snapshot-changed'
  | 'chain-stale'
  | 'chain-wrong'
  | 'cache-mount'
  | 'build-record'
  | 'git-repository'
  | 'stat-cache'
  | 'leftover'
  | 'stale-lock'
  | 'stray-file';

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** Name, digest or path from the root. */
  readonly subject: string;
  readonly message: string;
  /** What was done about it, or would be; absent where nothing can be. */
  readonly repair?: string;
  readonly repaired: boolean;
}

export interface StoreCheck {
  readonly findings: readonly Finding[];
  readonly blobs: number;
  readonly bytes: number;
  readonly snapshots: number;
  readonly images: number;
  /** No error was found, or each was repaired: everything in the store can be used. Warnings do not count. */
  readonly ok: boolean;
}

/** A finding with its cure. */
export interface Problem extends Omit<Finding, 'repaired'> {
  /** Runs while nobody can begin to use anything; short. False where it could not be done after all. */
  readonly cure?: (repair: RepairContext) => Promise<boolean>;
}

export interface RepairContext {
  /** Names that running processes use: left alone. */
  readonly held: ReadonlySet<string>;
  /** Takes a path out of the store, where it can still be looked at. */
  readonly quarantine: (path: string) => void;
  /** To be done when the store may be used again: what takes long. */
  readonly later: (work: () => Promise<unknown>) => void;
}

export interface CheckContext extends UpkeepContext {
  readonly native: UpkeepNative;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((what: string, current: number, total: number) => void) | undefined;
  /** Also packs each snapshot again and compares. */
  readonly full: boolean;
  readonly report: (problem: Problem) => void;
}
