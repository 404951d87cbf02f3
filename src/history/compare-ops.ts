import { canonicalJson } from '../llb/index.ts';
import type { Reason } from './reason-types.ts';
import { isHidden } from './secret-values.ts';
import type { BuildPlan, PlanOp, PlanVariable } from './types.ts';

/** One op, and the plan that it is of. */
export interface PlannedOp {
  readonly op: PlanOp;
  readonly plan: BuildPlan;
  /** The instruction on one line. */
  readonly text: string;
}

/** What of an instruction itself is another: not of what it reads. */
export function compareOps(before: PlannedOp, after: PlannedOp): Reason[] {
  const [old, now] = [before.op.fields, after.op.fields];
  const reasons: Reason[] = [];
  if (before.text !== after.text) reasons.push({ kind: 'instruction', old: before.text, new: after.text });
  const isSameText = reasons.length === 0;
  reasons.push(...compareEnvs(envOf(before), envOf(after)));
  for (const [field, name] of Object.entries(SETTINGS)) {
    // The words of an instruction that was rewritten are in it.
    if (!isSameText && WORDED.has(field)) continue;
    const [a, b] = [show(old[field]), show(now[field])];
    if (a !== b) reasons.push({ kind: 'setting', name, ...change(a, b) });
  }
  if (isSameText) reasons.push(...compareMounts(old.mounts, now.mounts), ...compareActions(old.actions, now.actions));
  return reasons;
}

/** Fields of an op, and what people call them. */
const SETTINGS: Readonly<Record<string, string>> = {
  args: 'command',
  cwd: 'working directory',
  user: 'user',
  platform: 'platform',
  network: 'network',
  security: 'security',
  hostname: 'host name',
  hosts: 'extra hosts',
  devices: 'devices',
};

/** Those that an instruction's own words decide. */
const WORDED = new Set(['args', 'security', 'devices']);

function envOf({ op, plan }: PlannedOp): readonly PlanVariable[] {
  return op.env === undefined ? [] : (plan.envs[op.env] ?? []);
}

function compareEnvs(old: readonly PlanVariable[], now: readonly PlanVariable[]): Reason[] {
  const [before, after] = [
    new Map(old.map((entry) => [entry[0], entry])),
    new Map(now.map((entry) => [entry[0], entry])),
  ];
  const reasons: Reason[] = [];
  for (const [name, value, origin] of now) {
    const other = before.get(name);
    if (other?.[1] !== value) reasons.push(variableReason(name, origin, other?.[1], value));
  }
  for (const [name, value, origin] of old)
    if (!after.has(name)) reasons.push(variableReason(name, origin, value, undefined));
  const names = (list: readonly PlanVariable[]) => list.map(([name]) => name).join('\0');
  if (reasons.length === 0 && names(old) !== names(now)) reasons.push({ kind: 'env-order' });
  return reasons;
}

function variableReason(name: string, origin: 'arg' | 'env', old: string | undefined, now: string | undefined): Reason {
  const hidden = [old, now].some((value) => value !== undefined && isHidden(value));
  return { kind: origin, name, ...(hidden ? { hidden } : change(old, now)) };
}

function compareMounts(old: unknown, now: unknown): Reason[] {
  const [before, after] = [byTarget(old), byTarget(now)];
  const reasons: Reason[] = [];
  for (const target of new Set([...before.keys(), ...after.keys()])) {
    const [a, b] = [before.get(target), after.get(target)];
    if (a !== b) reasons.push({ kind: 'mount', target, ...change(a, b) });
  }
  return reasons;
}

/** What a mount says, but for which input it is: what that holds counts by itself. */
function byTarget(mounts: unknown): Map<string, string> {
  const list = Array.isArray(mounts) ? mounts : [];
  return new Map(
    list.map((mount: Readonly<Record<string, unknown>>) => {
      const { target, id, input: _, output: __, ...rest } = mount;
      return [show(target) ?? show(id) ?? '', canonicalJson({ ...rest, id })];
    }),
  );
}

const ACTION_FIELDS: Readonly<Record<string, string>> = {
  src: 'source',
  dest: 'destination',
  path: 'path',
  owner: '--chown',
  mode: '--chmod',
  modeChange: '--chmod',
  includePatterns: '--parents',
  excludePatterns: '--exclude',
  data: 'inline file',
  attemptUnpack: '--unpack',
};

function compareActions(old: unknown, now: unknown): Reason[] {
  const [before, after] = [listOf(old), listOf(now)];
  const reasons: Reason[] = [];
  for (let index = 0; index < Math.max(before.length, after.length); index++) {
    const [a, b] = [before[index] ?? {}, after[index] ?? {}];
    for (const [field, name] of Object.entries(ACTION_FIELDS)) {
      const [from, to] = [show(a[field], field), show(b[field], field)];
      if (from !== to) reasons.push({ kind: 'setting', name, ...change(from, to) });
    }
  }
  return reasons;
}

function listOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? (value as Readonly<Record<string, unknown>>[]) : [];
}

function show(value: unknown, field?: string): string | undefined {
  if (value === undefined) return undefined;
  if (field === 'mode' && typeof value === 'number') return value.toString(8).padStart(4, '0');
  if (typeof value === 'string') return value;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(' ');
  if (isPlatform(value)) return [value.os, value.architecture, value.variant].filter(Boolean).join('/');
  return canonicalJson(value);
}

function isPlatform(value: unknown): value is { os: string; architecture: string; variant?: string } {
  return typeof value === 'object' && value !== null && 'os' in value && 'architecture' in value;
}

function change(old: string | undefined, now: string | undefined): { readonly old?: string; readonly new?: string } {
  return { ...(old === undefined ? {} : { old }), ...(now === undefined ? {} : { new: now }) };
}
