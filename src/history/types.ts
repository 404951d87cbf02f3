import type { Descriptor, Digest } from '../oci/index.ts';

/** How a build ended; `killed` is what a record that nobody finished means when nobody holds its lock. */
export type BuildStatus = 'running' | 'completed' | 'error' | 'canceled' | 'killed';

/**
 * What is kept of a build, `<root>/builds/<id>/record.json`: written when it begins, and once more when it ends. No value of a secret is in
 * it, nor of a build argument or label whose name looks like one.
 */
export interface BuildRecord {
  readonly format: typeof RECORD_FORMAT;
  /** Sorts by time: `20260102T030405-0123abcd`. */
  readonly id: string;
  /** What `builds ls` shows: the context's last name, the Dockerfile and the target where they are not the usual ones. */
  readonly name: string;
  /** Digest of context, Dockerfile, target and platform: builds that have it in common are runs of the same. */
  readonly project: Digest;
  readonly status: BuildStatus;
  readonly createdMs: number;
  readonly completedMs?: number;
  readonly error?: RecordedError;
  /** A directory, a URL without what is secret in it, or `-`. */
  readonly context: string;
  readonly dockerfile: RecordedDockerfile;
  readonly target?: string;
  readonly platform?: string;
  readonly tags: readonly string[];
  readonly buildArgs: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Further options by the names of their flags; of secrets and agents the ids. */
  readonly options: Readonly<Record<string, boolean | string | readonly string[]>>;
  readonly git?: GitState;
  /** The patterns of the context's ignore file; absent: there is none. */
  readonly ignore?: { readonly name: string; readonly patterns: readonly string[] };
  readonly counts: StepCounts;
  readonly outputs: RecordedOutputs;
  /** File in `plans/`. */
  readonly plan?: string;
  /** Content digests that steps were keyed by: files in `lists/`. */
  readonly lists: readonly string[];
}

export const RECORD_FORMAT = 1;

export interface RecordedError {
  readonly code?: string;
  readonly message: string;
  readonly hint?: string;
  /** Name of the step. */
  readonly step?: string;
  /** The last lines that the step printed, a few KiB at most. */
  readonly output?: string;
  /** Line and column from 1. */
  readonly place?: { readonly file: string; readonly line: number; readonly column: number };
  /** The place, and the lines around it with the token underlined, as they were printed. */
  readonly frame?: string;
}

export interface RecordedDockerfile {
  /** As the user gave it. */
  readonly name: string;
  /** Absent for a text without a file. */
  readonly path?: string;
  readonly digest?: Digest;
}

/** The git work tree that a context lies in, as its files tell. */
export interface GitState {
  readonly root: string;
  readonly revision?: string;
  readonly branch?: string;
}

export interface StepCounts {
  /** Steps that were begun, or were still to come when the build failed; sources and the builder's own among them. */
  readonly total: number;
  /** Of these, what has ended, well or not. */
  readonly completed: number;
  /** Of the Dockerfile's own, those that ended well. */
  readonly executed: number;
  readonly cached: number;
}

export interface RecordedOutputs {
  readonly imageID?: Digest;
  readonly names: readonly string[];
  readonly descriptor?: Descriptor;
}

/** A step of a build, in `steps.json`: what it was, how it went, and what its key was made of. */
export interface RecordedStep {
  readonly digest: Digest;
  readonly name: string;
  readonly startedMs?: number;
  readonly completedMs?: number;
  readonly cached?: boolean;
  /** Of a cached one whose result this store did not have: an imported cache had it, or another build made it at the same time. */
  readonly origin?: 'foreign' | 'shared';
  readonly error?: string;
  /** `--no-cache` was for this one. */
  readonly ignoreCache?: boolean;
  /** Absent for what is no part of the graph, and for what was never looked for. */
  readonly keys?: RecordedKeys;
}

export interface RecordedKeys {
  readonly identity: Digest;
  readonly map: Digest;
  readonly inputs: readonly RecordedInput[];
  readonly refresh?: true;
  readonly volatile?: true;
}

export interface RecordedInput {
  readonly vertex: Digest;
  readonly index: number;
  readonly identity: Digest;
  readonly selector?: Digest;
  readonly content?: Digest;
}

/**
 * What a build's graph said, in `plans/`: the same for all builds whose Dockerfile and graph are, and stored once for them. An environment is
 * a list of `[name, value, origin]`.
 */
export interface BuildPlan {
  readonly format: typeof RECORD_FORMAT;
  readonly dockerfile: { readonly name: string; readonly text: string };
  readonly envs: readonly (readonly PlanVariable[])[];
  /** In an order where inputs come first. */
  readonly ops: readonly PlanOp[];
}

export type PlanVariable = readonly [name: string, value: string, origin: 'arg' | 'env'];

export interface PlanOp {
  readonly digest: Digest;
  readonly name: string;
  /** Lines of the Dockerfile, from 1. */
  readonly lines?: readonly [first: number, last: number];
  readonly type: 'source' | 'exec' | 'file' | 'merge';
  readonly inputs: readonly Digest[];
  /** Index in `envs`. */
  readonly env?: number;
  /** The rest of the op, by name. Values that look secret are digests with a salt of the store. */
  readonly fields: Readonly<Record<string, unknown>>;
}
