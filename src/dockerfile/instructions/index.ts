export { findMountFrom, type Mount, nameSecret, parseMount } from './mount.ts';
export { checkInstructions, type ParsedStages, parseInstruction, parseStages } from './parse.ts';
export type * from './types.ts';
