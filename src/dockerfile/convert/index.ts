export { remoteState } from './context-reads.ts';
export { dockerfileToLLB } from './convert.ts';
export { EPOCH_ARG, type EpochSpec, findEpoch } from './epoch.ts';
export { RESERVED_CONTEXTS } from './named-contexts.ts';
export type * from './types.ts';
