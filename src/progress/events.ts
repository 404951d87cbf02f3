import type { Digest } from '../oci/index.ts';

/**
 * What a solve tells about itself: BuildKit's SolveStatus (client/graph.go), so `--progress rawjson` is the same
 * stream that buildx prints. Each event carries only what changed. Times are milliseconds since the epoch, with
 * fractions.
 */
export interface SolveStatus {
  readonly vertexes?: readonly VertexStatus[];
  readonly statuses?: readonly TaskStatus[];
  readonly logs?: readonly VertexLog[];
  readonly warnings?: readonly VertexWarning[];
  /** Path of the whole log of the build: said once, in the first event. This and `buildId` are not BuildKit's; rawjson leaves them out. */
  readonly logPath?: string;
  /** The build's name in the store's records; comes with `logPath`. */
  readonly buildId?: string;
}

/** A step. Sent again, whole, each time something of it changes. */
export interface VertexStatus {
  readonly digest: Digest;
  readonly inputs?: readonly Digest[];
  readonly name: string;
  readonly startedMs?: number;
  readonly completedMs?: number;
  readonly cached?: boolean;
  readonly error?: string;
}

/** A part of a step with a progress of its own: a layer's download, a push. */
export interface TaskStatus {
  /** What is shown: `sha256:12ab…`, `exporting layers`. Unique within the vertex. */
  readonly id: string;
  readonly vertex: Digest;
  /** Bytes or items so far. */
  readonly current: number;
  /** 0 where unknown. */
  readonly total: number;
  readonly timestampMs: number;
  readonly startedMs?: number;
  readonly completedMs?: number;
}

export interface VertexLog {
  readonly vertex: Digest;
  /** 1 stdout, 2 stderr. */
  readonly stream: 1 | 2;
  readonly data: Uint8Array;
  readonly timestampMs: number;
}

export interface VertexWarning {
  readonly vertex: Digest;
  readonly level: number;
  readonly short: string;
  readonly detail?: readonly string[];
  readonly url?: string;
  /** Where it is, and the lines around; for people. */
  readonly frame?: string;
}

/** Receives events; must not throw and must not block. */
export type ProgressSink = (status: SolveStatus) => void;
