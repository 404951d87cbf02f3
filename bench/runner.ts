import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { removeTree } from '../test/support/temp.ts';
import type { Contender, ContenderName } from './contenders.ts';
import type { Trial, TrialEnvironment } from './trials.ts';

/** Seconds of each run, by contender; `undefined` where the contender failed. */
export interface TrialResult {
  readonly trial: Trial;
  readonly runs: ReadonlyMap<ContenderName, readonly number[] | undefined>;
}

export interface RunnerOptions {
  readonly runs: number;
  readonly environment: TrialEnvironment;
  readonly onNote: (note: string) => void;
}

/**
 * Runs a trial with every contender in turn, run by run, so that what else the machine does at a time touches all of
 * them. A contender that fails is reported and left out.
 */
export async function runTrial(
  trial: Trial,
  contenders: readonly Contender[],
  options: RunnerOptions,
): Promise<TrialResult> {
  const environment = { ...options.environment, dir: join(options.environment.dir, trial.name) };
  mkdirSync(environment.dir, { recursive: true });
  const runs = new Map<ContenderName, number[] | undefined>();
  const attempt = async (contender: Contender, action: () => Promise<void>): Promise<void> => {
    if (runs.has(contender.name) && runs.get(contender.name) === undefined) return;
    try {
      await action();
    } catch (error) {
      runs.set(contender.name, undefined);
      options.onNote(
        `${trial.name}: ${contender.name} failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  };
  try {
    trial.prepare(environment);
    for (const contender of contenders) await attempt(contender, async () => trial.warmUp?.(contender, environment));
    const count = trial.heavy ? Math.max(1, Math.ceil(options.runs / 2)) : options.runs;
    for (let run = 0; run < count; run++) {
      for (const contender of contenders)
        await attempt(contender, async () => {
          const seconds = await trial.run(contender, environment, run);
          runs.set(contender.name, [...(runs.get(contender.name) ?? []), seconds]);
        });
    }
  } finally {
    removeTree(environment.dir);
  }
  return { trial, runs };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** A Markdown table: medians in seconds, and how many times tsbuild's each other one is. */
export function formatTable(results: readonly TrialResult[], names: readonly ContenderName[]): string {
  const others = names.filter((name) => name !== 'tsbuild');
  const head = ['trial', ...names, ...(names.includes('tsbuild') ? others.map((name) => `${name} / tsbuild`) : [])];
  const rows = results.map(({ trial, runs }) => {
    const medianOf = (name: ContenderName): number => median(runs.get(name) ?? []);
    const ratios = names.includes('tsbuild') ? others.map((name) => medianOf(name) / medianOf('tsbuild')) : [];
    return [
      trial.title,
      ...names.map((name) => (Number.isNaN(medianOf(name)) ? '-' : `${medianOf(name).toFixed(3)} s`)),
      ...ratios.map((ratio) => (Number.isNaN(ratio) ? '-' : ratio.toFixed(1))),
    ];
  });
  return [head, head.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
