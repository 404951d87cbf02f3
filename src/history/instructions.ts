import type { Digest } from '../oci/index.ts';
import type { BuildPlan, PlanOp } from './types.ts';

/** A step of a plan as people know it. */
export interface Instruction {
  readonly op: PlanOp;
  /** `build`; empty where the file's only stage has no name. */
  readonly stage: string;
  /** As it stands in the Dockerfile, on one line. */
  readonly text: string;
}

const LABEL = /^\[(?:(.*) )?\s*\d+\/\d+\] (.*)$/s;
const PLATFORM = /^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9]+)?(?:->\S+)? ?/;
const MAX_TEXT = 500;

/** The stage that a step's name tells; `undefined` for what is no step of the Dockerfile. */
export function stageOf(name: string): string | undefined {
  const match = LABEL.exec(name);
  return match === null ? undefined : (match[1] ?? '').replace(PLATFORM, '').trim();
}

/** The instructions of a plan that are steps, in its order. */
export function listInstructions(plan: BuildPlan): Instruction[] {
  const lines = plan.dockerfile.text.split('\n');
  return plan.ops.flatMap((op): Instruction[] => {
    const stage = op.type === 'exec' || op.type === 'file' ? stageOf(op.name) : undefined;
    return stage === undefined ? [] : [{ op, stage, text: readText(op, lines) }];
  });
}

/** A trigger stands in another file: it is known by its name alone. */
function readText({ name, lines }: PlanOp, text: readonly string[]): string {
  const shown = LABEL.exec(name)?.[2] ?? name;
  if (lines === undefined || shown.startsWith('ONBUILD ')) return clip(shown);
  const own = text.slice(lines[0] - 1, lines[1]);
  return clip(joinLines(own)) || clip(shown);
}

function joinLines(lines: readonly string[]): string {
  return lines
    .map((line) => line.trim().replace(/\s*[\\`]$/, ''))
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join(' ')
    .replace(/\s+/g, ' ');
}

function clip(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** Which instruction of an older plan each of a plan is. */
export function matchInstructions(
  now: readonly Instruction[],
  then: readonly Instruction[],
): ReadonlyMap<Digest, Instruction> {
  const pairs = new Map<Digest, Instruction>();
  for (const [stage, olderStage] of matchStages(now, then)) matchStage(stage, olderStage, pairs);
  return pairs;
}

/** By name; what is left over, in order: a stage may have got another name. */
function matchStages(now: readonly Instruction[], then: readonly Instruction[]): [Instruction[], Instruction[]][] {
  const [stages, older] = [groupByStage(now), groupByStage(then)];
  const left = [...older.keys()].filter((stage) => !stages.has(stage));
  return [...stages].map(([name, steps]) => {
    const match = older.has(name) ? name : left.shift();
    return [steps, (match === undefined ? undefined : older.get(match)) ?? []];
  });
}

function groupByStage(steps: readonly Instruction[]): Map<string, Instruction[]> {
  const groups = new Map<string, Instruction[]>();
  for (const step of steps) {
    const group = groups.get(step.stage);
    if (group === undefined) groups.set(step.stage, [step]);
    else group.push(step);
  }
  return groups;
}

/**
 * First what is the same at both ends, then the longest sequence that both have, then equal texts in another place, and last what stands
 * between the same two instructions and begins with the same word.
 */
function matchStage(now: readonly Instruction[], then: readonly Instruction[], pairs: Map<Digest, Instruction>): void {
  const taken = new Set<Instruction>();
  const pair = (a: Instruction, b: Instruction): void => {
    pairs.set(a.op.digest, b);
    taken.add(b);
  };
  for (const [a, b] of alignTexts(now, then)) pair(a, b);
  const moved = new Map<string, Instruction[]>();
  for (const other of then.toReversed()) {
    const list = moved.get(other.text);
    if (taken.has(other)) continue;
    if (list === undefined) moved.set(other.text, [other]);
    else list.push(other);
  }
  for (const step of now) {
    const other = pairs.has(step.op.digest) ? undefined : moved.get(step.text)?.pop();
    if (other !== undefined) pair(step, other);
  }
  const places = new Map(then.map((other, index) => [other, index]));
  let at = 0;
  for (const step of now) {
    const known = pairs.get(step.op.digest);
    if (known !== undefined) {
      at = Math.max(at, (places.get(known) ?? 0) + 1);
      continue;
    }
    const candidate = then[at];
    if (candidate === undefined || taken.has(candidate) || keywordOf(candidate) !== keywordOf(step)) continue;
    pair(step, candidate);
    at++;
  }
}

function keywordOf({ text }: Instruction): string {
  return (/^\S+/.exec(text)?.[0] ?? '').toUpperCase();
}

/** Of more than this on both sides only the ends are compared: the table would be their product. */
const MAX_TABLE = 4_000_000;

/** The longest common subsequence of the texts. */
function alignTexts(now: readonly Instruction[], then: readonly Instruction[]): [Instruction, Instruction][] {
  let start = 0;
  while (start < now.length && start < then.length && now[start]?.text === then[start]?.text) start++;
  let end = 0;
  const room = Math.min(now.length, then.length) - start;
  while (end < room && now.at(-1 - end)?.text === then.at(-1 - end)?.text) end++;
  const middle = alignMiddle(now.slice(start, now.length - end), then.slice(start, then.length - end));
  const zip = (a: readonly Instruction[], b: readonly Instruction[]) =>
    a.map((step, index): [Instruction, Instruction] => [step, b[index] as Instruction]);
  return [
    ...zip(now.slice(0, start), then.slice(0, start)),
    ...middle,
    ...zip(now.slice(now.length - end), then.slice(then.length - end)),
  ];
}

function alignMiddle(a: readonly Instruction[], b: readonly Instruction[]): [Instruction, Instruction][] {
  if (a.length * b.length > MAX_TABLE || a.length * b.length === 0) return [];
  const width = b.length + 1;
  const lengths = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        a[i]?.text === b[j]?.text
          ? 1 + (lengths[(i + 1) * width + j + 1] ?? 0)
          : Math.max(lengths[(i + 1) * width + j] ?? 0, lengths[i * width + j + 1] ?? 0);
  const pairs: [Instruction, Instruction][] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [left, right] = [a[i] as Instruction, b[j] as Instruction];
    if (left.text === right.text) {
      pairs.push([left, right]);
      i++;
      j++;
    } else if ((lengths[(i + 1) * width + j] ?? 0) >= (lengths[i * width + j + 1] ?? 0)) i++;
    else j++;
  }
  return pairs;
}
