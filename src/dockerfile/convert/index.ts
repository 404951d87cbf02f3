export { remoteState } from './context-reads.ts';
export { dockerfileToLLB } from './convert.ts';
export type * from './types.ts';
