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

/** `undefined` where the record is not whole: of a build that runs, was killed, or failed before it had a graph. */
export function loadPastBuild(paths: HistoryPaths, record: BuildRecord): PastBuild | undefined {
  const plan = readPlan(paths, record);
  if (plan === undefined) return undefined;
  return {
    record,
    plan,
    ops: new Map(plan.ops.map((op) => [op.digest, op])),
    steps: new Map(readSteps(paths, record.id).map((step) => [step.digest, step])),
    instructions: new Map(listInstructions(plan).map((instruction) => [instruction.op.digest, instruction])),
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
 * and any others; of equally near ones the newest.
 */
export function findCandidates(paths: HistoryPaths, now: PastBuild, ids: readonly string[]): Candidate[] {
  const ranked = ids
    .filter((id) => id < now.record.id)
    .flatMap((id) => {
      const record = readRecord(paths, id);
      return record === undefined ? [] : [{ record, rank: rankOf(now.record, record) }];
    })
    .sort((a, b) => a.rank - b.rank || (a.record.id < b.record.id ? 1 : -1));
  const candidates: Candidate[] = [];
  const instructions = [...now.instructions.values()];
  for (const { record } of ranked) {
    if (candidates.length === MAX_CANDIDATES) break;
    const past = loadPastBuild(paths, record);
    if (past === undefined) continue;
    const pairs = matchInstructions(instructions, [...past.instructions.values()]);
    if (pairs.size > 0) candidates.push({ past, pairs });
  }
  return candidates;
}

function rankOf(now: BuildRecord, other: BuildRecord): number {
  if (now.project === other.project) return 0;
  const sameContext = now.context === other.context;
  const sameFile = (now.dockerfile.path ?? now.dockerfile.name) === (other.dockerfile.path ?? other.dockerfile.name);
  if (sameContext && sameFile) return 1;
  return sameFile || sameContext ? 2 : 3;
}
