import { lstatSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeApi } from '../native/types.ts';
import { isDigest as isDigestText } from '../oci/index.ts';
import type { StorePaths } from '../store/index.ts';
import { BUILD_ID, buildLogPath, plansDirectory, recordPath, stepsPath } from './paths.ts';
import { type BuildPlan, type BuildRecord, type BuildStatus, RECORD_FORMAT, type RecordedStep } from './types.ts';

export type HistoryPaths = Pick<StorePaths, 'builds' | 'logs'>;

const MAX_RECORD = 8 * 1024 * 1024;
const MAX_STEPS = 128 * 1024 * 1024;
const MAX_PLAN = 128 * 1024 * 1024;

/** Ids of the builds that are kept, the newest first. */
export function listBuildIds({ builds }: HistoryPaths): string[] {
  try {
    return readdirSync(builds)
      .filter((name) => BUILD_ID.test(name))
      .sort()
      .reverse();
  } catch {
    return [];
  }
}

/** `undefined` where there is none, or where what is there is no record. */
export function readRecord(paths: HistoryPaths, id: string): BuildRecord | undefined {
  const record = readJson(recordPath(paths, id), MAX_RECORD);
  return isRecord(record) && record.id === id ? record : undefined;
}

/** The steps of a build that has ended; none where there is no such file. */
export function readSteps(paths: HistoryPaths, id: string): readonly RecordedStep[] {
  const steps = readJson(stepsPath(paths, id), MAX_STEPS);
  return Array.isArray(steps) ? steps.filter(isStep) : [];
}

export function readPlan(paths: HistoryPaths, { plan }: Pick<BuildRecord, 'plan'>): BuildPlan | undefined {
  if (plan === undefined || !/^[0-9a-f]{64}$/.test(plan)) return undefined;
  const value = readJson(join(plansDirectory(paths), plan), MAX_PLAN);
  return isPlan(value) ? value : undefined;
}

/** What a record's status is now: one that says it runs, and that nobody holds the lock of, was killed. */
export async function findStatus(
  paths: HistoryPaths,
  record: Pick<BuildRecord, 'id' | 'status'>,
  native: Pick<NativeApi, 'lockFile'>,
): Promise<BuildStatus> {
  if (record.status !== 'running') return record.status;
  return (await isRunning(paths, record.id, native)) ? 'running' : 'killed';
}

/** Whether some process builds it at this moment. */
export async function isRunning(
  paths: HistoryPaths,
  id: string,
  native: Pick<NativeApi, 'lockFile'>,
): Promise<boolean> {
  const path = buildLogPath(paths, id);
  if (!lstatSync(path, { throwIfNoEntry: false })?.isFile()) return false;
  try {
    // Shared: those who ask at the same time do not take each other for the build.
    const lock = await native.lockFile({ path, exclusive: false, wait: false });
    lock?.release();
    return lock === undefined;
  } catch {
    // A store that cannot be written to has no build in it.
    return false;
  }
}

function readJson(path: string, maxBytes: number): unknown {
  try {
    const stat = statSync(path);
    if (!stat.isFile() || stat.size > maxBytes) return undefined;
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function isTexts(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((item) => typeof item === 'string');
}

function isOptional(value: unknown, type: 'string' | 'number' | 'boolean'): boolean {
  return value === undefined || typeof value === type;
}

const STATUSES: ReadonlySet<unknown> = new Set<BuildStatus>(['running', 'completed', 'error', 'canceled', 'killed']);

function isRecord(value: unknown): value is BuildRecord {
  if (!isObject(value) || value.format !== RECORD_FORMAT) return false;
  const { dockerfile, counts, outputs, error, git, ignore, options } = value;
  return (
    ['id', 'name', 'project', 'context'].every((key) => typeof value[key] === 'string') &&
    STATUSES.has(value.status) &&
    isTime(value.createdMs) &&
    (value.completedMs === undefined || isTime(value.completedMs)) &&
    ['target', 'platform', 'plan'].every((key) => isOptional(value[key], 'string')) &&
    isObject(dockerfile) &&
    typeof dockerfile.name === 'string' &&
    ['path', 'digest'].every((key) => isOptional(dockerfile[key], 'string')) &&
    isStrings(value.tags) &&
    isTexts(value.buildArgs) &&
    isTexts(value.labels) &&
    isObject(options) &&
    Object.values(options).every((item) => ['string', 'boolean'].includes(typeof item) || isStrings(item)) &&
    isObject(counts) &&
    ['total', 'completed', 'executed', 'cached'].every((key) => Number.isSafeInteger(counts[key])) &&
    isObject(outputs) &&
    isStrings(outputs.names) &&
    isOptional(outputs.imageID, 'string') &&
    (outputs.descriptor === undefined || isObject(outputs.descriptor)) &&
    isStrings(value.lists) &&
    (error === undefined ||
      (isObject(error) &&
        typeof error.message === 'string' &&
        ['code', 'hint', 'step', 'output', 'frame'].every((key) => isOptional(error[key], 'string')) &&
        (error.place === undefined || isPlace(error.place)))) &&
    (git === undefined ||
      (isObject(git) &&
        typeof git.root === 'string' &&
        ['revision', 'branch'].every((key) => isOptional(git[key], 'string')))) &&
    (ignore === undefined || (isObject(ignore) && typeof ignore.name === 'string' && isStrings(ignore.patterns)))
  );
}

function isPlace(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.file === 'string' &&
    ['line', 'column'].every((key) => Number.isSafeInteger(value[key]))
  );
}

/** That a Date can hold. */
function isTime(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && Math.abs(value) <= 8.64e15;
}

function isDigest(value: unknown): boolean {
  return typeof value === 'string' && isDigestText(value);
}

function isStep(value: unknown): value is RecordedStep {
  if (!isObject(value) || !isDigest(value.digest) || typeof value.name !== 'string') return false;
  const { keys } = value;
  return (
    ['startedMs', 'completedMs'].every((key) => value[key] === undefined || isTime(value[key])) &&
    ['cached', 'ignoreCache'].every((key) => isOptional(value[key], 'boolean')) &&
    isOptional(value.error, 'string') &&
    (value.origin === undefined || value.origin === 'foreign' || value.origin === 'shared') &&
    (keys === undefined || isKeys(keys))
  );
}

function isKeys(keys: unknown): boolean {
  return (
    isObject(keys) &&
    isDigest(keys.identity) &&
    isDigest(keys.map) &&
    Array.isArray(keys.inputs) &&
    keys.inputs.every(
      (input) =>
        isObject(input) &&
        isDigest(input.vertex) &&
        isDigest(input.identity) &&
        Number.isSafeInteger(input.index) &&
        (input.selector === undefined || isDigest(input.selector)) &&
        (input.content === undefined || isDigest(input.content)),
    )
  );
}

function isPlan(value: unknown): value is BuildPlan {
  if (!isObject(value) || value.format !== RECORD_FORMAT) return false;
  const { dockerfile, envs, ops } = value;
  return (
    isObject(dockerfile) &&
    typeof dockerfile.name === 'string' &&
    typeof dockerfile.text === 'string' &&
    Array.isArray(envs) &&
    envs.every((env) => Array.isArray(env) && env.every((entry) => isStrings(entry) && entry.length === 3)) &&
    Array.isArray(ops) &&
    ops.every(
      (op) =>
        isObject(op) &&
        isDigest(op.digest) &&
        typeof op.name === 'string' &&
        ['source', 'exec', 'file', 'merge'].includes(String(op.type)) &&
        Array.isArray(op.inputs) &&
        op.inputs.every(isDigest) &&
        (op.env === undefined || (Number.isSafeInteger(op.env) && Array.isArray(envs[op.env as number]))) &&
        (op.lines === undefined || (Array.isArray(op.lines) && op.lines.every(Number.isSafeInteger))) &&
        isObject(op.fields),
    )
  );
}
