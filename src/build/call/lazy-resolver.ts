import type { BuildRequest } from '../../build-types.ts';
import type { MetaResolver } from '../../dockerfile/convert/index.ts';
import type { Pins } from '../../lockfile/index.ts';
import type { ProgressSink } from '../../progress/events.ts';
import type { LayoutContexts } from '../../source/index.ts';
import { openWorkspace } from '../../workspace.ts';
import { createShownMetaResolver } from '../solve.ts';

export type LazyResolver = MetaResolver & { close(): Promise<void> };

/** Resolves base images in a store that is opened when the first one is asked for. */
export function openLazyResolver(
  request: BuildRequest,
  layouts: LayoutContexts,
  sink: ProgressSink,
  pins?: Pins,
): LazyResolver {
  let opened: Promise<{ readonly resolver: MetaResolver; close(): Promise<void> }> | undefined;
  const open = async () => {
    const workspace = await openWorkspace(request.root, request);
    const resolver = createShownMetaResolver(workspace, layouts, sink, request, pins);
    return { resolver, close: () => workspace.close() };
  };
  const get = async (): Promise<MetaResolver> => {
    opened ??= open();
    return (await opened).resolver;
  };
  return {
    resolveImageConfig: async (...args) => await (await get()).resolveImageConfig(...args),
    resolveLayoutConfig: async (...args) => await (await get()).resolveLayoutConfig(...args),
    async close() {
      // What could not be opened was told to whoever asked first.
      const store = await opened?.catch(() => undefined);
      await store?.close();
    },
  };
}
