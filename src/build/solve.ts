import type { BuildRequest, PullPolicy } from '../build-types.ts';
import type { ConvertResult, MetaResolver } from '../dockerfile/convert/types.ts';
import type { TreeResult } from '../llb/results.ts';
import type { Pins } from '../lockfile/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { createMetaResolver, type LayoutContexts } from '../source/index.ts';
import type { Workspace } from '../workspace.ts';
import type { Engine } from './engine.ts';
import { stepFailed } from './errors.ts';
import type { DockerfileInput } from './inputs.ts';
import { runPhase } from './phases.ts';

/** Evaluates a converted Dockerfile: the tree it makes. */
export async function solveBuild(solve: SolveInput): Promise<TreeResult> {
  const { engine, signal } = solve;
  const { definition } = solve.converted;
  try {
    const result = await engine.solve(definition, signal);
    return result === undefined || result.kind === 'local' ? { kind: 'snapshot', name: undefined } : result;
  } catch (error) {
    signal.throwIfAborted();
    const failed = engine.summary.failures.get(error);
    if (failed === undefined) throw error;
    throw stepFailed({
      name: failed.name,
      others: [...engine.summary.failures.values()].filter((other) => other !== failed).map(({ name }) => name),
      cause: error,
      location: definition.metadata.get(failed.digest)?.source,
      source: solve.dockerfile.text,
      logPath: solve.logPath,
      buildId: solve.buildId,
    });
  }
}

export interface SolveInput {
  readonly engine: Engine;
  readonly converted: ConvertResult;
  readonly dockerfile: DockerfileInput;
  readonly logPath: string;
  readonly buildId: string;
  readonly signal: AbortSignal;
}

/** Resolves base images, each shown as a step of its own. */
export function createShownMetaResolver(
  { images }: Workspace,
  layouts: LayoutContexts,
  sink: ProgressSink,
  request: Pick<BuildRequest, 'pull'>,
  pins: Pins | undefined,
): MetaResolver {
  return createMetaResolver({
    images,
    layouts,
    pull: pullPolicy(request),
    pins,
    runPhase: (name, work) => runPhase(sink, name, work),
  });
}

/** As docker reads `--pull`: alone it is `always`. */
function pullPolicy({ pull = false }: Pick<BuildRequest, 'pull'>): PullPolicy {
  return typeof pull === 'string' ? pull : pull ? 'always' : 'missing';
}
