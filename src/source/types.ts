import type { SourceOp } from '../llb/ops.ts';
import type { IgnoreFile, OpResult } from '../llb/results.ts';
import type { GitPin, UrlPin } from '../lockfile/index.ts';
import type { Digest } from '../oci/index.ts';

/**
 * A kind of place that builds read from. `resolve` looks at what a source op names and says what that is at this moment, as
 * cheaply as it can; `fetch` makes it available as a tree, and is called only when no cached result stands in for it.
 */
export interface Source {
  /** What stands before `://` in the identifiers that this source serves: `docker-image`, `local`, `http` and `https`. */
  readonly schemes: readonly string[];
  resolve(op: SourceOp, options: SourceOptions): Promise<ResolvedSource>;
}

export interface ResolvedSource {
  /** Of what was found, whatever name or place it was found under. */
  readonly digest: Digest;
  /** `false` for what may change at any time: it enters cache keys by its content alone. */
  readonly cacheable: boolean;
  fetch(options: SourceOptions): Promise<OpResult>;
  /** Whether `fetch` would find everything in the store or on this machine. Absent: it would. */
  isHere?(): Promise<boolean>;
  /** What a lock file notes of it; absent for what names itself exactly. */
  readonly pin?: SourcePin;
  /** Of a repository. `ref`: by its whole name, where one led to the commit. */
  readonly commit?: { readonly commit: string; readonly ref?: string };
}

/** A remote input and what it was found to be. `name` is that of the lock file. */
export type SourcePin =
  | { readonly kind: 'url'; readonly name: string; readonly pin: UrlPin }
  | { readonly kind: 'git'; readonly name: string; readonly pin: GitPin };

export interface SourceOptions {
  readonly signal: AbortSignal;
  /** Partial progress: `id` is unique within the step, counts are bytes. */
  readonly onTask?: (id: string, current: number, total: number, completed?: boolean) => void;
  /** What a program that was started for it says. */
  readonly onLog?: (data: Uint8Array) => void;
}

/** A directory that a build may read, by the name in `local://<name>`. */
export interface LocalContext {
  readonly directory: string;
  /** Compiled patterns of its `.dockerignore`. */
  readonly ignore?: string;
  /** Where these come from, for messages. */
  readonly ignoreFile?: IgnoreFile;
  /** It was unpacked for this build: owners in it count, and nobody changes it. */
  readonly isUnpacked?: boolean;
  /** It is read as git would have checked it out (`contextMode`). */
  readonly gitModes?: boolean;
}
