import type { Digest } from '../oci/index.ts';
import { type Instruction, listInstructions, matchInstructions } from './instructions.ts';
import { type HistoryPaths, readPlan, readRecord, readSteps } from './read.ts';
import type { BuildPlan, BuildRecord, PlanOp, RecordedStep } from './types.ts';

/** A build that has ended, with everything that is known of its steps. */
export interface PastBuild {
  readonly record: BuildRecord;
  readonly plan: BuildPlan;
  readonly ops: ReadonlyMap<Digest, PlanOp>;
  readonly steps: ReadonlyMap<Digest, RecordedStep>;
  readonly instructions: ReadonlyMap<Digest, Instruction>;
}

/**
 * `undefined` where the record is not whole: of a build that runs, was killed, or failed before it had a graph. Most builds of a
 * project have one plan, which is taken from `others` where one of them has it.
 */
export function loadPastBuild(
  paths: HistoryPaths,
  record: BuildRecord,
  others: readonly PastBuild[] = [],
): PastBuild | undefined {
  const same = others.find((other) => other.record.plan === record.plan);
  const plan = same?.plan ?? readPlan(paths, record);
  if (plan === undefined) return undefined;
  return {
    record,
    plan,
    ops: same?.ops ?? new Map(plan.ops.map((op) => [op.digest, op])),
    steps: new Map(readSteps(paths, record.id).map((step) => [step.digest, step])),
    instructions:
      same?.instructions ?? new Map(listInstructions(plan).map((instruction) => [instruction.op.digest, instruction])),
  };
}

/** One that a build is compared with: which of its steps is which. */
export interface Candidate {
  readonly past: PastBuild;
  readonly pairs: ReadonlyMap<Digest, Instruction>;
}

/** Builds that are looked at for one explanation. */
const MAX_CANDIDATES = 10;

/**
 * What a build can be compared with, the best first: earlier builds of the same project, then of the same Dockerfile, of the same context,
 * and any others; of equally near ones the newest. Each is read when it is looked at, and no more than once.
 */
export class Candidates implements Iterable<Candidate> {
  readonly #paths: HistoryPaths;
  readonly #now: PastBuild;
  readonly #records: BuildRecord[];
  readonly #found: Candidate[] = [];
  readonly #instructions: readonly Instruction[];

  constructor(paths: HistoryPaths, now: PastBuild, ids: readonly string[]) {
    this.#paths = paths;
    this.#now = now;
    this.#instructions = [...now.instructions.values()];
    this.#records = ids
      .filter((id) => id < now.record.id)
      .flatMap((id) => {
        const record = readRecord(paths, id);
        return record === undefined ? [] : [{ record, rank: rankOf(now.record, record) }];
      })
      .sort((a, b) => a.rank - b.rank || (a.record.id < b.record.id ? 1 : -1))
      .map(({ record }) => record);
  }

  get first(): Candidate | undefined {
    const [first] = this;
    return first;
  }

  *[Symbol.iterator](): Iterator<Candidate> {
    for (let index = 0; index < MAX_CANDIDATES; index++) {
      const candidate = this.#found[index] ?? this.#findNext();
      if (candidate === undefined) return;
      this.#found[index] = candidate;
      yield candidate;
    }
  }

  #findNext(): Candidate | undefined {
    for (let record = this.#records.shift(); record !== undefined; record = this.#records.shift()) {
      const past = loadPastBuild(this.#paths, record, [this.#now, ...this.#found.map((known) => known.past)]);
      if (past === undefined) continue;
      const pairs = this.#match(past);
      if (pairs.size > 0) return { past, pairs };
    }
    return undefined;
  }

  #match(past: PastBuild): ReadonlyMap<Digest, Instruction> {
    if (past.plan === this.#now.plan) return past.instructions;
    const same = this.#found.find((known) => known.past.plan === past.plan);
    return same?.pairs ?? matchInstructions(this.#instructions, [...past.instructions.values()]);
  }
}

function rankOf(now: BuildRecord, other: BuildRecord): number {
  if (now.project === other.project) return 0;
  const sameContext = now.context === other.context;
  const sameFile = (now.dockerfile.path ?? now.dockerfile.name) === (other.dockerfile.path ?? other.dockerfile.name);
  if (sameContext && sameFile) return 1;
  return sameFile || sameContext ? 2 : 3;
}
