export { dockerfileToLLB } from './convert.ts';
export type * from './types.ts';
