export { createBuildKitKeys } from './keys.ts';
export type * from './types.ts';
