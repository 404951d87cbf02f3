import type { ExplainedStep, Explanation, FileDifference, MissReason } from '../../index.ts';
import { cleanText } from '../../progress/terminal-tail.ts';
import { ellipsis, humanAgo } from './human.ts';

/** Files of one input that are shown. */
const MAX_FILES = 10;
/** Steps that are named where they only follow. */
const MAX_FOLLOWERS = 3;
const MAX_VALUE = 120;

/** An explanation for people: causes first, each with what changed and the steps that followed from it. */
export function formatExplanation(explanation: Explanation, nowMs = Date.now()): string {
  const { steps } = explanation;
  const lines = [summarize(explanation, nowMs)];
  const byCause = groupByCause(steps);
  for (const step of steps) {
    const isCause = step.because.some(({ digest }) => digest === step.digest);
    if (!isCause && !hasOwnDetail(step)) continue;
    lines.push('', ...formatStep(step, isCause), ...formatFollowers(byCause.get(step.digest) ?? []));
  }
  return `${lines.map(cleanLine).join('\n')}\n`;
}

/** Names and values come from files of others. */
function cleanLine(line: string): string {
  const text = line.trimStart();
  return ' '.repeat(line.length - text.length) + cleanText(text);
}

function summarize({ comparedWith, steps, cached }: Explanation, nowMs: number): string {
  const ran = steps.filter((step) => step.ran).length;
  const head =
    ran === 0
      ? `cache: no step ran, ${cached} came from the cache`
      : `cache: ${count(ran, 'step')} ran, ${cached} came from the cache`;
  if (comparedWith === undefined) return `${head}; there is no earlier build here to compare with`;
  const { id, createdMs, differs } = comparedWith;
  const others = Object.entries(differs).map(([name, [old, now]]) => `another ${name}: ${old} -> ${now}`);
  return [`${head}; compared with build ${id} (${humanAgo(createdMs, nowMs)})`, ...others].join('; ');
}

/** Steps without anything of their own to tell, by the first of their causes. */
function groupByCause(steps: readonly ExplainedStep[]): Map<string, ExplainedStep[]> {
  const groups = new Map<string, ExplainedStep[]>();
  for (const step of steps) {
    const [cause] = step.because;
    if (!step.ran || cause === undefined || hasOwnDetail(step)) continue;
    if (step.because.some(({ digest }) => digest === step.digest)) continue;
    const group = groups.get(cause.digest);
    if (group === undefined) groups.set(cause.digest, [step]);
    else group.push(step);
  }
  return groups;
}

/** Which files of another step changed is worth a word; what its causes have in common with it is told there. */
function hasOwnDetail({ reasons }: ExplainedStep): boolean {
  return reasons.some(({ kind }) => kind === 'files' || kind === 'content');
}

function formatStep(step: ExplainedStep, isCause: boolean): string[] {
  const { location, name, ran, failed, comparedWith } = step;
  const place = location === undefined ? '' : ` (${location.file}:${location.line})`;
  const state = ran ? (failed ? ' (failed)' : '') : ' (from the cache)';
  const others = isCause ? [] : step.because.map((cause) => `because ${cause.name} ran anew and gave another result`);
  const compared = comparedWith === undefined ? [] : [`compared with build ${comparedWith}`];
  const reasons = step.reasons.flatMap(describeReason);
  return [`${name}${state}${place}`, ...[...others, ...reasons, ...compared].map((line) => `    ${line}`)];
}

function formatFollowers(steps: readonly ExplainedStep[]): string[] {
  if (steps.length === 0) return [];
  const names = steps.slice(0, MAX_FOLLOWERS).map(({ name }) => ellipsis(name, MAX_VALUE));
  const more = steps.length > MAX_FOLLOWERS ? ', …' : '';
  return [`  + ${count(steps.length, 'step')} after it: ${names.join(', ')}${more}`];
}

/** A reason in words, a line for each thing that changed. */
function describeReason(reason: MissReason): string[] {
  switch (reason.kind) {
    case 'never-built':
      return ['never built before in this store'];
    case 'new-instruction':
      return ['the instruction is new'];
    case 'no-cache':
      return [`asked to run by ${reason.option}`];
    case 'dropped':
      return [`nothing changed since build ${reason.build}: its result was removed from the cache`];
    case 'unfinished':
      return [
        `nothing changed since build ${reason.build}, where it ${reason.how === 'failed' ? 'failed' : 'was ended'}`,
      ];
    case 'uncacheable':
      return ['it reads what no key can tell: it runs each time'];
    case 'instruction':
      return ['instruction changed:', `  - ${reason.old ?? ''}`, `  + ${reason.new ?? ''}`];
    case 'arg':
    case 'env':
      return [
        `${reason.kind.toUpperCase()} ${reason.name}: ${reason.hidden ? 'changed (its values are not shown)' : showChange(reason)}`,
      ];
    case 'env-order':
      return ['its variables stand in another order'];
    case 'setting':
      return [`${reason.name}: ${showChange(reason)}`];
    case 'mount':
      return [`mount ${reason.target}: ${showChange(reason)}`];
    case 'base':
      return [`FROM ${reason.reference}: base ${showChange(reason)}`];
    case 'source':
      return [`${reason.name}: gave something else (${showChange(reason)})`];
    case 'files':
      return describeFiles(reason);
    case 'content':
      return [`files of ${reason.from} changed; which ones is no longer known`];
    case 'removed':
      return [`no longer there before it: ${reason.instruction}`];
    case 'order':
      return [`the order of instructions changed: before it stood ${reason.instruction}`];
    case 'upstream':
      return [`it stands on ${reason.step}, which is another one`];
    case 'unknown':
      return ['its definition changed in something that is not kept'];
  }
}

function describeFiles({ from, files, more }: Extract<MissReason, { kind: 'files' }>): string[] {
  const place = from === 'context' ? '' : ` in ${from}`;
  const rest = more + Math.max(0, files.length - MAX_FILES);
  const lines = files.slice(0, MAX_FILES).map((file) => `${file.path}${place} ${describeFile(file)}`);
  return rest === 0 ? lines : [...lines, `and ${rest} more`];
}

function describeFile({ status, changes = {}, ignoreFile }: FileDifference): string {
  const by =
    ignoreFile === undefined
      ? ''
      : ` (${ignoreFile} ${status === 'added' ? 'lets it through now' : 'leaves it out now'})`;
  if (status !== 'changed') return `${status}${by}`;
  return Object.entries(changes)
    .map(([name, [old, now]]) => {
      if (name === 'content') return `changed (${shorten(old)} -> ${shorten(now)})`;
      return name === 'attributes' ? 'extended attributes changed' : `${name} ${old} -> ${now}`;
    })
    .join(', ');
}

function showChange({ old, new: now }: { readonly old?: string; readonly new?: string }): string {
  if (old === undefined) return `${quote(now ?? '')} (new)`;
  if (now === undefined) return `no longer set (was ${quote(old)})`;
  return `${quote(old)} -> ${quote(now)}`;
}

function quote(value: string): string {
  return value === '' ? '""' : shorten(value);
}

/** The beginning of a digest, or of a long value. */
function shorten(value: string): string {
  return /^sha256:[0-9a-f]{64}$/.test(value) ? value.slice(0, 'sha256:'.length + 12) : ellipsis(value, MAX_VALUE);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
