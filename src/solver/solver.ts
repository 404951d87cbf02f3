import { isForeignLost, mayStartAgain, StaleAssumption } from './errors.ts';
import { Slots } from './slots.ts';
import { type Carried, Solve } from './solve.ts';
import type { CacheStorage, Claims, ForeignCache, SolveObserver, Solver } from './types.ts';

export interface SolverOptions<R> {
  readonly cache: CacheStorage<R>;
  readonly observer: SolveObserver<R>;
  readonly foreign?: ForeignCache<R>;
  /** Absent: nobody else works on the same cache. */
  readonly claims?: Claims;
  /** How many ops may execute at once; default no limit. Keys and cache look-ups are not counted. */
  readonly maxParallelism?: number;
}

/** How often a build looks at inputs that change under its eyes before it gives up. */
const MAX_ATTEMPTS = 3;
/** A cache that is lost gives nothing any more: more than this nobody names. */
const MAX_LOSSES = 100;

export function createSolver<R>(options: SolverOptions<R>): Solver<R> {
  const world = { ...options, slots: new Slots(options.maxParallelism ?? Number.POSITIVE_INFINITY) };
  return {
    async build(edge, { signal } = {}) {
      const carried: Carried<R> = {
        results: new Map(),
        reported: new Set(),
        keyed: new Map(),
      };
      let losses = 0;
      for (let attempt = 1; ; ) {
        try {
          return await new Solve(world, carried, signal).run(edge);
        } catch (error) {
          signal?.throwIfAborted();
          // Each stale assumption leaves one more result behind that is not assumed of again: no count is needed.
          if (error instanceof StaleAssumption) continue;
          if (isForeignLost(error) && losses++ < MAX_LOSSES) {
            // What it gave may be a part of what was made; what was saved is found again.
            carried.results.clear();
            continue;
          }
          if (!mayStartAgain(error) || attempt === MAX_ATTEMPTS) throw error;
          attempt += 1;
        }
      }
    },
  };
}
