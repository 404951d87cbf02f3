/** The members are named as in BuildKit's JSON (frontend/subrequests/outline, …/targets): programs read both. */

/** Lines of the Dockerfile, one range for each. */
export interface Location {
  readonly ranges: readonly LineRange[];
}

export interface LineRange {
  readonly start: { readonly line: number };
  readonly end: { readonly line: number };
}

/** What a target takes: build arguments, secrets, ssh agents and caches of it and of all stages that it needs. */
export interface Outline {
  /** Of the target stage. */
  readonly name?: string;
  readonly description?: string;
  readonly args?: readonly OutlineArg[];
  readonly secrets?: readonly OutlineSecret[];
  readonly ssh?: readonly OutlineSecret[];
  readonly cache?: readonly OutlineCache[];
  /** The Dockerfile, in base64. */
  readonly sources: readonly string[];
}

export interface OutlineArg {
  readonly name: string;
  readonly description?: string;
  /** What it is in this build: given, or the default. */
  readonly value?: string;
  readonly location: Location;
}

export interface OutlineSecret {
  readonly name: string;
  readonly required?: boolean;
  readonly location: Location;
}

export interface OutlineCache {
  readonly ID: string;
  readonly location: Location;
}

export interface TargetList {
  readonly targets: readonly Target[];
  /** The Dockerfile, in base64. */
  readonly sources: readonly string[];
}

/** One stage, its texts as they are written. */
export interface Target {
  readonly name?: string;
  /** What is built when no target is named. */
  readonly default?: boolean;
  readonly description?: string;
  readonly base: string;
  readonly platform?: string;
  readonly location: Location;
}
