import { join } from 'node:path';
import { createCacheMounts, createCacheStorage } from '../cache/index.ts';
import type { ConvertResult, MetaResolver } from '../dockerfile/convert/types.ts';
import { compilePatterns } from '../dockerfile/ignore/index.ts';
import { native } from '../native/index.ts';
import { createOpResolver, loadDefinition } from '../ops/index.ts';
import type { OpResult } from '../ops/types.ts';
import type { ProgressSink } from '../progress/events.ts';
import { createExecutor } from '../runtime/index.ts';
import { createSolver } from '../solver/index.ts';
import { createImageSource, createLocalSource, createMetaResolver } from '../source/index.ts';
import type { Workspace } from '../workspace.ts';
import { stepFailed } from './errors.ts';
import type { DockerfileInput, IgnoreInput } from './inputs.ts';
import { createObserver, type SolveSummary } from './observer.ts';
import { runPhase } from './phases.ts';

/** Evaluates a converted Dockerfile: the tree it makes (`undefined` is the empty one) and what that took. */
export async function solveBuild(solve: SolveInput): Promise<{ snapshot: string | undefined; summary: SolveSummary }> {
  const { workspace, converted, sink, signal } = solve;
  const { store, snapshotter, images } = workspace;
  const { definition } = converted;
  const context = { directory: solve.context, ignore: compilePatterns(solve.ignore.patterns) };
  const cache = createCacheStorage(store, snapshotter);
  const resolveOp = createOpResolver({
    snapshotter,
    native,
    executor: createExecutor(),
    cacheMounts: createCacheMounts(store, native),
    sources: [createImageSource(images), createLocalSource(new Map([['context', context]]))],
    statCacheDirectory: join(store.paths.meta, 'stat-cache'),
  });
  const summary: SolveSummary = { executed: 0, cached: 0, failures: new Map() };
  const observer = createObserver<OpResult>(sink, summary, (digest) => definition.ops.get(digest)?.type === 'source');
  const edge = loadDefinition(definition, resolveOp);
  if (edge === undefined) return { snapshot: undefined, summary };
  try {
    const result = await createSolver({ cache, observer }).build(edge, { signal });
    return { snapshot: result.kind === 'snapshot' ? result.name : undefined, summary };
  } catch (error) {
    signal.throwIfAborted();
    const failed = summary.failures.get(error);
    if (failed === undefined) throw error;
    throw stepFailed({
      name: failed.name,
      cause: error,
      location: definition.metadata.get(failed.digest)?.source,
      source: solve.dockerfile.text,
      logPath: solve.logPath,
    });
  } finally {
    await cache.flush();
  }
}

export interface SolveInput {
  readonly workspace: Workspace;
  readonly converted: ConvertResult;
  readonly context: string;
  readonly dockerfile: DockerfileInput;
  readonly ignore: IgnoreInput;
  readonly sink: ProgressSink;
  readonly logPath: string;
  readonly signal: AbortSignal;
}

/** Resolves base images, each shown as a step of its own. */
export function createShownMetaResolver({ images }: Workspace, sink: ProgressSink, pull: boolean): MetaResolver {
  return createMetaResolver({
    images,
    pull: pull ? 'always' : 'missing',
    runPhase: (name, work) => runPhase(sink, name, work),
  });
}
