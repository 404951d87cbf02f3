import type { CacheMounts } from '../cache/index.ts';
import type { Devices } from '../devices/index.ts';
import type { Trees } from '../images/types.ts';
import type { Op, OpMetadata } from '../llb/ops.ts';
import type { OpResult } from '../llb/results.ts';
import type { NativeApi } from '../native/types.ts';
import type { Executor } from '../runtime/executor.ts';
import type { Secrets, SshAgents } from '../secrets/index.ts';
import type { Snapshotter } from '../snapshot/snapshotter.ts';
import type { SolverOp } from '../solver/types.ts';
import type { Source } from '../source/index.ts';

export type { OpResult } from '../llb/results.ts';

/** What ops need of the world. */
export interface OpDependencies {
  readonly snapshotter: Pick<Snapshotter, 'prepare' | 'view' | 'claim'>;
  /** Gets what is known by its layers only. */
  readonly trees: Pick<Trees, 'snapshotOf'>;
  readonly executor: Executor;
  readonly native: Pick<
    NativeApi,
    'createWatch' | 'createTreeMemo' | 'hashTree' | 'hashTrees' | 'changeTree' | 'findPaths' | 'listTree'
  >;
  readonly cacheMounts: CacheMounts;
  readonly secrets: Pick<Secrets, 'read' | 'values'>;
  readonly sshAgents: SshAgents;
  readonly devices: Pick<Devices, 'prepare'>;
  /** One for each scheme. */
  readonly sources: readonly Source[];
  /** Directory of the files that remember digests of local files; made when absent. */
  readonly statCacheDirectory: string;
  /** Directory of the lists of what content digests were made of; absent: none are kept. */
  readonly listDirectory?: string;
}

/** Gives an op of the graph its behaviour; `createOpResolver` makes one. One resolver serves one build. */
export type OpResolver = (op: Op, about?: OpMetadata) => SolverOp<OpResult>;
