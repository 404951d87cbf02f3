import { errorCode, TsbuildError } from '../errors.ts';

/** Thrown by ops whose inputs are no longer what the cache key says (see SolverOp.exec). */
function isContextChanged(error: unknown): boolean {
  return errorCode(error) === 'CONTEXT_CHANGED';
}

/** A foreign cache has not got what it gave: without it the same build may succeed. */
export function isForeignLost(error: unknown): boolean {
  return errorCode(error) === 'CACHE_LAYER_LOST';
}

/**
 * A remembered content digest was not that of the result which an op made anew. Keys were built on it; now that the new result is
 * saved, another attempt gets them right.
 */
export class StaleAssumption extends Error {
  constructor(name: string) {
    super(`${name} gave another result than the one that was stored before`);
    this.name = 'StaleAssumption';
  }
}

/** Errors after which the same build may succeed: what runs is let finish, so that its results are found then. */
export function mayStartAgain(error: unknown): boolean {
  return error instanceof StaleAssumption || isContextChanged(error) || isForeignLost(error);
}

/** The graph leads back to a vertex that stands on itself. */
export function graphCycle(name: string): TsbuildError {
  return new TsbuildError('GRAPH_CYCLE', `the step ${JSON.stringify(name)} depends on itself`);
}

/** An op broke its contract: a fault of this program, not of its user. */
export function badOp(name: string, why: string): TsbuildError {
  return new TsbuildError('OP_INVALID', `the step ${JSON.stringify(name)} ${why}`);
}
