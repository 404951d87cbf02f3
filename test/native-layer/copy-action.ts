import type { TreeAction } from '../../src/native/types.ts';

export type Copy = Extract<TreeAction, { type: 'copy' }>;

/** A copy as COPY makes them; docker's rules everywhere. */
export function copy(src: string, dest: string, options: Partial<Copy> = {}): Copy {
  return {
    type: 'copy',
    source: 0,
    src,
    dest,
    followSymlinks: true,
    dirCopyContents: true,
    allowWildcard: true,
    allowEmptyWildcard: true,
    createDestPath: true,
    attemptUnpack: false,
    ...options,
  };
}
