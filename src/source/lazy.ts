import type { Source } from './types.ts';

/** A source whose code is loaded when a build first reads from it: most builds read neither a repository nor a download. */
export function lazySource(schemes: readonly string[], load: () => Promise<Source>): Source {
  let loading: Promise<Source> | undefined;
  return {
    schemes,
    async resolve(op, options) {
      loading ??= load();
      return await (await loading).resolve(op, options);
    },
  };
}
