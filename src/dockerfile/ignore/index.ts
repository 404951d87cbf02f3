export { compilePatterns } from './compile.ts';
export { type IgnoreLine, readIgnoreFile, readIgnoreLines } from './ignore-file.ts';
export { createIgnoreMatcher, type IgnoreMatcher } from './matcher.ts';
