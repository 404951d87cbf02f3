import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BuildRequest } from '../build-types.ts';
import type { Definition } from '../llb/index.ts';
import { type Digest, digestEncoded, digestOf, formatPlatform, type Platform } from '../oci/index.ts';
import type { ProgressSink, VertexStatus } from '../progress/events.ts';
import { isHttpUrl, redactUrl } from '../remote-url/index.ts';
import type { Vertex, VertexKeys, VertexOrigin } from '../solver/types.ts';
import type { StorePaths } from '../store/index.ts';
import { writeWhole } from '../whole-files.ts';
import { ifDefined } from './fields.ts';
import { readGitState } from './git-state.ts';
import { nameBuild } from './names.ts';
import { type BuildOutcome, countSteps, describeOutcome, isWork } from './outcome.ts';
import { buildDirectory, listsDirectory, plansDirectory, recordPath, stepsPath } from './paths.ts';
import { describePlan, learnValues } from './plan.ts';
import { describeRequest } from './request.ts';
import { createValueHider, type ValueHider } from './secret-values.ts';
import { type BuildRecord, RECORD_FORMAT, type RecordedKeys, type RecordedStep } from './types.ts';

/** Writes down one build while it happens. Nothing that goes wrong with the record is a reason for the build to fail. */
export interface BuildRecorder {
  readonly id: string;
  readonly sink: ProgressSink;
  /** A text as it may be kept: without the values of build arguments that look like secrets. */
  mask(text: string): string;
  /** What was read at the beginning. */
  inputs(inputs: RecordedInputs): void;
  /** A graph that is solved. */
  solving(definition: Definition): void;
  keyed(vertex: KeyedVertex, keys: VertexKeys): void;
  completed(vertex: KeyedVertex, origin: VertexOrigin): void;
  /** Steps of the Dockerfile that ran so far. */
  listExecuted(): readonly ExecutedStep[];
  /** Only the first outcome counts. */
  finish(outcome: BuildOutcome): void;
}

export interface ExecutedStep {
  readonly digest: Digest;
  readonly name: string;
}

type KeyedVertex = Pick<Vertex<never>, 'digest' | 'name' | 'ignoreCache'>;

export interface RecordedInputs {
  readonly dockerfile: { readonly name: string; readonly path: string | undefined; readonly text: string };
  readonly platform: Platform;
  readonly ignore?: { readonly name: string; readonly patterns: readonly string[] };
}

/** Patterns of an ignore file that are kept. */
const MAX_PATTERNS = 1000;

/** Where the Dockerfile lies, if it does: a build that is killed before it is read is called like the one after it. */
function expectedPath({ dockerfile, dockerfileText }: BuildRequest, context: string | undefined): string | undefined {
  if (context === undefined || dockerfileText !== undefined) return undefined;
  if (dockerfile === undefined) return join(context, 'Dockerfile');
  return isHttpUrl(dockerfile) ? undefined : resolve(dockerfile);
}

/** Begins the record `builds/<id>/`. `context` is the directory that is built, where it is one. */
export function createBuildRecorder(
  paths: Pick<StorePaths, 'builds' | 'logs'>,
  id: string,
  request: BuildRequest,
  context: string | undefined,
): BuildRecorder {
  const hider = createValueHider(paths.builds, request.buildArgs ?? {});
  const steps = new Map<Digest, Step>();
  const definitions: Definition[] = [];
  let record: BuildRecord = {
    format: RECORD_FORMAT,
    id,
    status: 'running',
    createdMs: Date.now(),
    context: context ?? (request.contextStream === undefined ? redactUrl(request.context) : '-'),
    ...nameBuild(request, context, request.dockerfile ?? 'Dockerfile', expectedPath(request, context)),
    dockerfile: { name: request.dockerfile ?? 'Dockerfile' },
    ...describeRequest(request, hider),
    ...ifDefined('git', context === undefined ? undefined : readGitState(context)),
    counts: { total: 0, completed: 0, executed: 0, cached: 0 },
    outputs: { names: [] },
    lists: [],
  };
  let inputs: RecordedInputs | undefined;
  let isFinished = false;
  attempt(() => {
    mkdirSync(listsDirectory(paths), { recursive: true, mode: 0o700 });
    mkdirSync(buildDirectory(paths, id), { mode: 0o700 });
    writeRecord(paths, record);
  });
  const stepOf = (digest: Digest): Step => {
    let step = steps.get(digest);
    if (step === undefined) {
      step = {};
      steps.set(digest, step);
    }
    return step;
  };

  return {
    id,
    sink({ vertexes }) {
      if (vertexes !== undefined) for (const vertex of vertexes) stepOf(vertex.digest).status = vertex;
    },
    mask: (text) => hider.mask(text),
    inputs(read) {
      inputs = read;
    },
    solving(definition) {
      definitions.push(definition);
    },
    keyed(vertex, keys) {
      const step = stepOf(vertex.digest);
      step.vertex = vertex;
      step.keys = keys;
    },
    completed({ digest }, origin) {
      stepOf(digest).origin = origin;
    },
    listExecuted() {
      return [...steps].flatMap(([digest, { status }]) => {
        if (status?.completedMs === undefined || status.cached || status.error !== undefined) return [];
        return isWork(digest, definitions) ? [{ digest, name: hider.mask(status.name) }] : [];
      });
    },
    finish(outcome) {
      if (isFinished) return;
      isFinished = true;
      attempt(() => {
        learnValues(definitions, hider);
        const all = [...steps].map(([digest, step]) => describeStep(digest, step, hider));
        const plan = inputs === undefined ? undefined : keepPlan(paths, inputs.dockerfile, definitions, hider);
        record = {
          ...record,
          ...(inputs === undefined ? {} : describeInputs(inputs, request, context)),
          ...describeOutcome(outcome, hider),
          completedMs: Date.now(),
          counts: countSteps(all, definitions, outcome),
          ...ifDefined('plan', plan),
          lists: listContents(steps.values()),
        };
        writeFileSync(stepsPath(paths, id), JSON.stringify(all), { mode: 0o600 });
        writeRecord(paths, record);
      });
    },
  };
}

interface Step {
  status?: VertexStatus;
  vertex?: KeyedVertex;
  keys?: VertexKeys;
  origin?: VertexOrigin;
}

function describeStep(digest: Digest, { status, vertex, keys, origin }: Step, hider: ValueHider): RecordedStep {
  return {
    digest,
    name: hider.mask(status?.name ?? vertex?.name ?? ''),
    ...ifDefined('startedMs', status?.startedMs),
    ...ifDefined('completedMs', status?.completedMs),
    ...ifDefined('cached', status?.cached),
    ...(origin === 'foreign' || origin === 'shared' ? { origin } : {}),
    ...ifDefined('error', status?.error === undefined ? undefined : hider.mask(status.error)),
    ...(vertex?.ignoreCache ? { ignoreCache: true } : {}),
    ...ifDefined('keys', keys === undefined ? undefined : describeKeys(keys)),
  };
}

function describeKeys({ identity, map, inputs, refresh, volatile }: VertexKeys): RecordedKeys {
  return {
    identity,
    map,
    inputs: inputs.map((input) => ({
      vertex: input.vertex,
      index: input.index,
      identity: input.identity,
      ...ifDefined('selector', input.selector),
      ...ifDefined('content', input.content),
    })),
    ...(refresh ? { refresh } : {}),
    ...(volatile ? { volatile } : {}),
  };
}

function describeInputs(
  { dockerfile, platform, ignore }: RecordedInputs,
  request: BuildRequest,
  context: string | undefined,
): Partial<BuildRecord> {
  return {
    ...nameBuild(request, context, dockerfile.name, dockerfile.path, formatPlatform(platform)),
    dockerfile: { name: dockerfile.name, ...ifDefined('path', dockerfile.path), digest: digestOf(dockerfile.text) },
    platform: formatPlatform(platform),
    ...(ignore === undefined
      ? {}
      : { ignore: { name: ignore.name, patterns: ignore.patterns.slice(0, MAX_PATTERNS) } }),
  };
}

function listContents(steps: Iterable<Step>): string[] {
  const contents = new Set<string>();
  for (const { keys } of steps)
    for (const { content } of keys?.inputs ?? []) if (content !== undefined) contents.add(digestEncoded(content));
  return [...contents];
}

/** Whole or not at all: who looks at the records of a store meets builds that begin, and that are killed there. */
function writeRecord(paths: Pick<StorePaths, 'builds' | 'logs'>, record: BuildRecord): void {
  writeWhole(recordPath(paths, record.id), JSON.stringify(record), { mode: 0o600 });
}

/** Writes a plan that is not there yet; returns its name. */
function keepPlan(
  paths: Pick<StorePaths, 'builds'>,
  dockerfile: RecordedInputs['dockerfile'],
  definitions: readonly Definition[],
  hider: ValueHider,
): string | undefined {
  if (definitions.length === 0) return undefined;
  const heads = definitions.map(({ head }) => head?.digest ?? null);
  const name = digestEncoded(digestOf(JSON.stringify([RECORD_FORMAT, heads, dockerfile.name, dockerfile.text])));
  const path = join(plansDirectory(paths), name);
  mkdirSync(plansDirectory(paths), { recursive: true, mode: 0o700 });
  // Most builds are of the same Dockerfile as the last; what it says takes longer to write than everything else.
  if (existsSync(path)) return name;
  writeWhole(path, JSON.stringify(describePlan({ dockerfile, definitions }, hider)), { mode: 0o600 });
  return name;
}

/** A record is for people who look back: a full disk or a directory that is gone costs the record. */
function attempt(write: () => void): void {
  try {
    write();
  } catch {
    // Said by whoever looks for the record.
  }
}
