export { addTriggers } from './commands.ts';
export { findBuildArg, resolveGlobalArgs, SCRATCH } from './global-args.ts';
export { addReachable, checkCycles, findReachable, nameStage, sortStages } from './graph.ts';
export { explainBaseError } from './references.ts';
export { resolveStages } from './resolve.ts';
export type * from './types.ts';
