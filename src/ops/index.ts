export { loadDefinition } from './load.ts';
export { createOpResolver } from './resolver.ts';
export { resolveSource } from './source.ts';
export type * from './types.ts';
export { watchJob } from './watch.ts';
