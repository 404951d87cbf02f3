import type { ExecutionContext } from 'ava';

const RUNS = 3;
/** A measurement that was disturbed (by a collection of garbage, by a busy machine) is taken anew, so many times. */
const ATTEMPTS = 5;
/** What takes less than this, in ms of CPU time, is mostly the clock's grain. */
const GRAIN_MS = 4;

interface Growth {
  readonly small: () => unknown;
  readonly large: () => unknown;
  /** How many times as large the input of `large` is. */
  readonly times: number;
}

/**
 * Asserts that work grows with its input and not with the square of it: the ratio of the CPU times has to be nearer to
 * `times` than to its square. A ratio does not depend on how fast the machine is, nor CPU time on what else it does.
 */
export async function assertLinear(t: ExecutionContext<unknown>, { small, large, times }: Growth): Promise<void> {
  const bound = times ** 1.6;
  const ratios: string[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const [smallMs, largeMs] = [await measureCpuMs(small), await measureCpuMs(large)];
    const ratio = largeMs / Math.max(smallMs, GRAIN_MS);
    if (ratio < bound) {
      t.pass();
      return;
    }
    ratios.push(`${ratio.toFixed(1)} (${largeMs.toFixed(0)} ms to ${smallMs.toFixed(0)})`);
  }
  t.fail(`${times} times the input took this many times as long, over ${bound.toFixed(1)}: ${ratios.join(', ')}`);
}

/** The best of some runs: the first ones are compiled on the way. */
async function measureCpuMs(work: () => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const before = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
