import { join } from 'node:path';
import { canonicalJson } from '../llb/index.ts';
import { type Digest, digestEncoded } from '../oci/index.ts';
import { compareFiles } from './compare-files.ts';
import { compareOps } from './compare-ops.ts';
import { readFileList } from './file-list.ts';
import { type Candidate, Candidates, loadPastBuild, type PastBuild } from './past-build.ts';
import { listsDirectory } from './paths.ts';
import type { HistoryPaths } from './read.ts';
import type { ComparedBuild, ExplainedStep, Explanation, Reason } from './reason-types.ts';
import type { BuildRecord, PlanOp, RecordedInput, RecordedKeys } from './types.ts';

/**
 * Says of each step that a build ran what made its key another one than in an earlier build. `ids` are those of all builds. What a step
 * stands on is looked at first, so the causes are told once, and the steps that only follow from them name them. `undefined` where
 * the record is not whole.
 */
export function explainRecord(
  paths: HistoryPaths,
  record: BuildRecord,
  ids: readonly string[],
): Explanation | undefined {
  const now = loadPastBuild(paths, record);
  if (now === undefined) return undefined;
  return new Explainer(paths, now, new Candidates(paths, now, ids)).explain();
}

/** What is found of one op. */
interface Finding {
  readonly reasons: readonly Reason[];
  /** The ops at which it began. */
  readonly roots: readonly Digest[];
  readonly candidate?: Candidate;
}

/** Of one step this many causes are named. */
const MAX_ROOTS = 8;
const NOTHING: Finding = { reasons: [], roots: [] };

class Explainer {
  readonly #paths: HistoryPaths;
  readonly #now: PastBuild;
  readonly #candidates: Candidates;
  readonly #findings = new Map<Digest, Finding>();

  constructor(paths: HistoryPaths, now: PastBuild, candidates: Candidates) {
    this.#paths = paths;
    this.#now = now;
    this.#candidates = candidates;
  }

  explain(): Explanation {
    const { record, plan } = this.#now;
    const ran = plan.ops.filter((op) => this.#hasRun(op));
    // Inputs come first.
    if (ran.length > 0) for (const op of plan.ops) this.#findings.set(op.digest, this.#examine(op));
    const shown = new Set(ran.flatMap((op) => [op.digest, ...(this.#findings.get(op.digest)?.roots ?? [])]));
    const { first } = this.#candidates;
    return {
      build: record.id,
      ...(first === undefined ? {} : { comparedWith: describeCompared(record, first.past.record) }),
      executed: record.counts.executed,
      cached: record.counts.cached,
      steps: plan.ops.filter((op) => shown.has(op.digest)).map((op) => this.#describe(op, first)),
    };
  }

  #describe(op: PlanOp, first: Candidate | undefined): ExplainedStep {
    const { reasons, roots, candidate } = this.#findings.get(op.digest) ?? NOTHING;
    const instruction = this.#now.instructions.get(op.digest);
    const step = this.#now.steps.get(op.digest);
    return {
      digest: op.digest,
      name: op.name,
      stage: instruction?.stage ?? '',
      ...(op.lines === undefined
        ? {}
        : { location: { file: this.#now.plan.dockerfile.name, line: op.lines[0], endLine: op.lines[1] } }),
      instruction: instruction?.text ?? op.name,
      ran: this.#hasRun(op),
      ...(step?.error === undefined ? {} : { failed: true }),
      reasons,
      because: roots.map((digest) => ({ digest, name: this.#now.ops.get(digest)?.name ?? '' })),
      ...(candidate === undefined || candidate === first ? {} : { comparedWith: candidate.past.record.id }),
    };
  }

  /** It is a step that did its work in this build. */
  #hasRun(op: PlanOp): boolean {
    if (op.type !== 'exec' && op.type !== 'file') return false;
    const step = this.#now.steps.get(op.digest);
    return step?.keys !== undefined && step.completedMs !== undefined && step.cached !== true;
  }

  #examine(op: PlanOp): Finding {
    const step = this.#now.steps.get(op.digest);
    if (op.type === 'source' || step?.keys === undefined) return NOTHING;
    const { keys } = step;
    const below = [...new Set(keys.inputs.flatMap(({ vertex }) => this.#findings.get(vertex)?.roots ?? []))];
    if (step.ignoreCache) return this.#follow(op, { kind: 'no-cache', option: this.#cacheOption() }, below);
    if (keys.refresh) return { reasons: [], roots: below.slice(0, MAX_ROOTS) };
    // A layer that is put into its place is the step that made it.
    if (op.type === 'merge') return { reasons: [], roots: below.slice(0, MAX_ROOTS) };
    const gone = this.#hasRun(op) ? this.#findDropped(op, keys) : undefined;
    if (gone !== undefined) return this.#follow(op, gone, below);
    if (!this.#now.instructions.has(op.digest)) return { reasons: [], roots: below.slice(0, MAX_ROOTS) };
    const candidate = this.#findCandidate(op);
    if (candidate === undefined) {
      // With nothing to compare to, what was found in a cache is no reason for anything.
      if (this.#candidates.first === undefined)
        return this.#hasRun(op) ? this.#follow(op, { kind: 'never-built' }, below) : NOTHING;
      return { reasons: [{ kind: 'new-instruction' }], roots: [op.digest] };
    }
    return this.#compare(op, keys, candidate);
  }

  /** The nearest build in which this instruction was looked for in the cache. */
  #findCandidate({ digest }: PlanOp): Candidate | undefined {
    for (const candidate of this.#candidates) {
      const other = candidate.pairs.get(digest);
      if (other !== undefined && candidate.past.steps.get(other.op.digest)?.keys !== undefined) return candidate;
    }
    return undefined;
  }

  /** A reason that what it stands on has too, and everything together, is told there. */
  #follow(op: PlanOp, reason: Reason, below: readonly Digest[]): Finding {
    const isSame = (root: Digest): boolean =>
      this.#findings.get(root)?.reasons.some(({ kind }) => kind === reason.kind) === true;
    const follows = below.length > 0 && below.every(isSame);
    return { reasons: [reason], roots: follows ? below.slice(0, MAX_ROOTS) : [op.digest] };
  }

  /** The same key was there before: its result has gone since, or there never was one. */
  #findDropped(op: PlanOp, { identity }: RecordedKeys): Reason | undefined {
    let unfinished: Reason | undefined;
    for (const { past } of this.#candidates) {
      const build = past.record.id;
      for (const step of past.steps.values()) {
        if (step.keys?.identity !== identity || past.ops.get(step.digest)?.type !== op.type) continue;
        if (step.completedMs !== undefined && step.error === undefined) return { kind: 'dropped', build };
        unfinished ??= { kind: 'unfinished', build, how: step.error === undefined ? 'ended' : 'failed' };
      }
    }
    return unfinished;
  }

  #compare(op: PlanOp, keys: RecordedKeys, candidate: Candidate): Finding {
    const { past, pairs } = candidate;
    const older = pairs.get(op.digest);
    const olderKeys = older === undefined ? undefined : past.steps.get(older.op.digest)?.keys;
    if (older === undefined || olderKeys === undefined || olderKeys.identity === keys.identity) return NOTHING;
    const instruction = this.#now.instructions.get(op.digest);
    const reasons = compareOps(
      { op: older.op, plan: past.plan, text: older.text },
      { op, plan: this.#now.plan, text: instruction?.text ?? op.name },
    );
    const roots = new Set<Digest>();
    const isRewritten = reasons.some(({ kind }) => kind === 'instruction');
    for (const [index, input] of keys.inputs.entries()) {
      const before = olderKeys.inputs[index];
      // Inline files are a part of the instruction.
      if (before === undefined || (isRewritten && this.#isInline(input.vertex))) continue;
      const found = this.#compareInput(op, index, before, input, candidate);
      reasons.push(...found.reasons);
      for (const root of found.roots) roots.add(root);
    }
    // Variables of another base are a consequence of it.
    reasons.sort((a, b) => Number(b.kind === 'base') - Number(a.kind === 'base'));
    if (keys.volatile) reasons.push({ kind: 'uncacheable' });
    if (reasons.length === 0 && roots.size === 0) reasons.push({ kind: 'unknown' });
    // What other steps made of files is told, and is no beginning; nor is a variable that has changed for them too.
    const told = new Set([...roots].flatMap((root) => this.#findings.get(root)?.reasons ?? []).map(canonicalJson));
    const begins = roots.size === 0 || reasons.some((reason) => !isDerived(reason) && !told.has(canonicalJson(reason)));
    const all = [...(begins ? [op.digest] : []), ...roots].slice(0, MAX_ROOTS);
    return { reasons, roots: all, candidate };
  }

  /** The content of a heredoc: a step without a place of its own. */
  #isInline(vertex: Digest): boolean {
    const op = this.#now.ops.get(vertex);
    return op?.type === 'file' && op.inputs.length === 0 && !this.#now.instructions.has(vertex);
  }

  #compareInput(op: PlanOp, index: number, old: RecordedInput, now: RecordedInput, candidate: Candidate): Finding {
    if (now.content !== undefined && old.content !== undefined)
      return now.content === old.content ? NOTHING : this.#compareContent(op, index, old, now, candidate);
    if (now.identity === old.identity) return NOTHING;
    const { past, pairs } = candidate;
    const roots = this.#findings.get(now.vertex)?.roots ?? [];
    const [from, to] = [throughMerges(past.ops, old.vertex), throughMerges(this.#now.ops, now.vertex)];
    if (from === undefined || to === undefined) return { reasons: [], roots };
    if (to.type === 'source' && from.type === 'source')
      return { reasons: [this.#compareSource(from, old, to, now)], roots };
    if (to.type === 'source' || from.type === 'source')
      return { reasons: [this.#describeGone(from, candidate)], roots };
    const older = pairs.get(to.digest);
    if (older === undefined || older.op.digest === from.digest) {
      if (roots.length > 0) return { reasons: [], roots };
      return { reasons: [{ kind: 'upstream', step: to.name }], roots };
    }
    // Both have the step that this one stands on now, but in another place.
    return { reasons: [this.#describeGone(from, candidate)], roots };
  }

  /** What a step stood on, and does not any more. */
  #describeGone(from: PlanOp, { past, pairs }: Candidate): Reason {
    if (from.type === 'source') return { kind: 'order', instruction: `FROM ${splitSource(from).name}` };
    const isKept = [...pairs.values()].some((instruction) => instruction.op.digest === from.digest);
    return { kind: isKept ? 'order' : 'removed', instruction: past.instructions.get(from.digest)?.text ?? from.name };
  }

  #compareSource(from: PlanOp, old: RecordedInput, to: PlanOp, now: RecordedInput): Reason {
    const [before, after] = [splitSource(from), splitSource(to)];
    if (after.scheme !== 'docker-image')
      return {
        kind: 'source',
        name: after.name,
        old: before.digest ?? old.identity,
        new: after.digest ?? now.identity,
      };
    if (before.name !== after.name) return { kind: 'base', reference: after.name, old: before.name, new: after.name };
    if (before.digest !== undefined && after.digest !== undefined && before.digest !== after.digest)
      return { kind: 'base', reference: after.name, old: before.digest, new: after.digest };
    const platforms = [from, to].map(({ fields }) => JSON.stringify(fields.platform ?? null));
    if (platforms[0] !== platforms[1])
      return { kind: 'setting', name: `platform of ${after.name}`, old: showPlatform(from), new: showPlatform(to) };
    return { kind: 'source', name: after.name, old: old.identity, new: now.identity };
  }

  #compareContent(op: PlanOp, index: number, old: RecordedInput, now: RecordedInput, candidate: Candidate): Finding {
    const source = throughMerges(this.#now.ops, now.vertex);
    const roots = this.#findings.get(now.vertex)?.roots ?? [];
    const from = nameInput(op, index, source, this.#now);
    const [before, after] = [old.content, now.content].map((digest) =>
      readFileList(join(listsDirectory(this.#paths), digestEncoded(digest as Digest))),
    );
    if (before === undefined || after === undefined) return { reasons: [{ kind: 'content', from }], roots };
    const isContext = source?.fields.identifier === 'local://context';
    const ignore = { old: candidate.past.record.ignore, new: this.#now.record.ignore };
    const { files, more } = compareFiles(before, after, {
      paths: selectedPaths(op, index),
      ...(isContext ? { ignore } : {}),
    });
    return { reasons: [files.length === 0 ? { kind: 'content', from } : { kind: 'files', from, files, more }], roots };
  }

  #cacheOption(): string {
    const filter = this.#now.record.options['no-cache-filter'];
    return Array.isArray(filter) ? `--no-cache-filter=${filter.join(',')}` : '--no-cache';
  }
}

function describeCompared(now: BuildRecord, then: BuildRecord): ComparedBuild {
  const differs: [string, readonly [string, string]][] = [];
  const compare = (name: string, old: string | undefined, value: string | undefined, none: string): void => {
    if (old !== value) differs.push([name, [old ?? none, value ?? none]]);
  };
  compare('context', then.context, now.context, '-');
  compare('dockerfile', then.dockerfile.path ?? then.dockerfile.name, now.dockerfile.path ?? now.dockerfile.name, '-');
  compare('target', then.target, now.target, 'the last stage');
  compare('platform', then.platform, now.platform, "this machine's");
  return { id: then.id, createdMs: then.createdMs, differs: Object.fromEntries(differs) };
}

function isDerived(reason: Reason): boolean {
  return (reason.kind === 'files' || reason.kind === 'content') && reason.from.startsWith('stage ');
}

/** The step that a layer in its place stands for; others are what they are. */
function throughMerges(ops: ReadonlyMap<Digest, PlanOp>, digest: Digest): PlanOp | undefined {
  let op = ops.get(digest);
  for (let depth = 0; op?.type === 'merge' && depth < 100; depth++) op = ops.get(op.inputs.at(-1) as Digest);
  return op;
}

function splitSource({ fields }: PlanOp): { scheme: string; name: string; digest?: string } {
  const identifier = typeof fields.identifier === 'string' ? fields.identifier : '';
  const [scheme = '', rest = ''] = identifier.split('://', 2);
  if (scheme !== 'docker-image' && scheme !== 'oci-layout') return { scheme, name: identifier };
  const [name = '', digest] = rest.split('@', 2);
  const familiar = name.replace(/^docker\.io\/(?:library\/)?/, '');
  return digest === undefined ? { scheme, name: familiar } : { scheme, name: familiar, digest };
}

function showPlatform({ fields }: PlanOp): string {
  const { os = '', architecture = '', variant } = (fields.platform ?? {}) as Readonly<Record<string, string>>;
  return [os, architecture, variant].filter(Boolean).join('/');
}

/** `context`, `context "docs"`, `stage "build"`, an image. */
function nameInput(op: PlanOp, index: number, source: PlanOp | undefined, build: PastBuild): string {
  const names = op.fields.inputNames;
  if (Array.isArray(names)) {
    const named = (names as readonly unknown[]).find((entry) => Array.isArray(entry) && entry[0] === index);
    if (Array.isArray(named) && typeof named[1] === 'string') return named[1];
  }
  if (source === undefined) return 'an input';
  if (source.type === 'source') {
    const { scheme, name } = splitSource(source);
    if (scheme !== 'local') return scheme === 'docker-image' ? `image ${JSON.stringify(name)}` : name;
    return name === 'local://context' ? 'context' : `context ${JSON.stringify(name.slice('local://'.length))}`;
  }
  const stage = build.instructions.get(source.digest)?.stage;
  if (stage === undefined) return source.inputs.length === 0 ? 'the inline file' : source.name;
  return `stage ${JSON.stringify(stage)}`;
}

/** What the nth selection of an input names, in the order of ops/selections.ts. */
function selectedPaths({ type, fields }: PlanOp, input: number): string[] {
  const list = (value: unknown): readonly Readonly<Record<string, unknown>>[] => (Array.isArray(value) ? value : []);
  if (type === 'file')
    return list(fields.actions)
      .filter((action) => action.type === 'copy' && action.input === input)
      .map(({ src }) => (typeof src === 'string' ? src : ''));
  const selectors = list(fields.mounts)
    .filter((mount) => mount.input === input)
    .map(({ selector }) => (typeof selector === 'string' ? selector : '/'));
  return [...new Set(selectors)].sort();
}
