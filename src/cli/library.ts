/** The library that the commands are clients of. */
export type Library = typeof import('../index.ts');

/** Loads it: the largest part of the program, so only when a command is about to use it. */
export function loadLibrary(): Promise<Library> {
  return import('../index.ts');
}
