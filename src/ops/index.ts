export { loadDefinition } from './load.ts';
export { createOpResolver } from './resolver.ts';
export type * from './types.ts';
