export { assembleImage } from './assemble.ts';
export { exportResult } from './export.ts';
export type * from './types.ts';
