import { statSync } from 'node:fs';
import { errorMessage } from '../errors.ts';
import type { LocalResult } from '../llb/results.ts';
import { digestOf } from '../oci/index.ts';
import { contextUnreadable, unknownContext } from './errors.ts';
import { schemeOf } from './scheme.ts';
import type { LocalContext, Source } from './types.ts';

/** `local://<name>`: a directory of the user's. It is read where it lies, each time anew; nothing of it is copied beforehand. */
export function createLocalSource(contexts: ReadonlyMap<string, LocalContext>): Source {
  return {
    schemes: ['local'],
    async resolve({ identifier }) {
      const name = schemeOf(identifier).rest;
      const context = contexts.get(name);
      if (context === undefined) throw unknownContext(name, [...contexts.keys()]);
      checkDirectory(name, context.directory);
      const { directory, ignore, ignoreFile, isUnpacked, gitModes } = context;
      const result: LocalResult = {
        kind: 'local',
        directory,
        ...(ignore ? { ignore } : {}),
        ...(ignoreFile ? { ignoreFile } : {}),
        ...(isUnpacked ? { isUnpacked } : {}),
        ...(gitModes ? { gitModes } : {}),
      };
      return {
        // The same for all directories: only what is read of one may tell it from another.
        digest: digestOf('local'),
        cacheable: false,
        fetch: async () => result,
      };
    },
  };
}

function checkDirectory(name: string, directory: string): void {
  let isDirectory: boolean;
  try {
    isDirectory = statSync(directory).isDirectory();
  } catch (error) {
    throw contextUnreadable(name, directory, errorMessage(error), error);
  }
  if (!isDirectory) throw contextUnreadable(name, directory, 'it is not a directory');
}
