export { canonicalJson, digestOp } from './digest.ts';
export { EnvList, splitEnv } from './env-list.ts';
export { marshal } from './marshal.ts';
export type * from './ops.ts';
export { execState, fileState, InputList, mergeState, type State, type StateNode, sourceState } from './state.ts';
