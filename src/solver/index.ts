export { createSolver, type SolverOptions } from './solver.ts';
export type * from './types.ts';
