export { toLocation } from './location.ts';
export { outlineStages } from './outline.ts';
export { listStages } from './targets.ts';
export type * from './types.ts';
