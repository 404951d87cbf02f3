import { createDigestContent } from './content.ts';
import { execKey } from './exec.ts';
import { fileKey } from './file.ts';
import { mergeKey } from './merge.ts';
import { sourceKey } from './source.ts';
import type { BuildKitKeys, BuildKitKeysDependencies } from './types.ts';

/** BuildKit's keys of this graph's ops, as its versions from 0.12 on have them. */
export function createBuildKitKeys(deps: BuildKitKeysDependencies): BuildKitKeys {
  const digestContent = createDigestContent(deps);
  return {
    async keyOf(op, signal) {
      switch (op.type) {
        case 'source':
          return await sourceKey(op, deps, signal);
        case 'exec':
          return execKey(op, digestContent);
        case 'file':
          return fileKey(op, digestContent);
        case 'merge':
          return mergeKey(op);
      }
    },
  };
}
