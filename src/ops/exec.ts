import { canonicalJson } from '../llb/index.ts';
import type { ExecMeta, ExecOp, InputNames } from '../llb/ops.ts';
import type { PresentResult } from '../llb/results.ts';
import { digestOf } from '../oci/index.ts';
import type { CacheDep, SolverOp } from '../solver/types.ts';
import { type ContentReader, selectorOf } from './content.ts';
import { runFailed } from './errors.ts';
import { execKey } from './exec-key.ts';
import { ExecSecrets } from './exec-secrets.ts';
import { ExecTrees } from './exec-trees.ts';
import { OutputTail } from './output-tail.ts';
import { mountSelections, readsInput } from './selections.ts';
import type { OpDependencies } from './types.ts';
import { followContext } from './watch.ts';

/** The host name that BuildKit gives; some programs write it into their results. */
const HOSTNAME = 'buildkitsandbox';

/** RUN: one process in a container, on snapshots of its own. */
export function createExecOp(
  op: ExecOp,
  deps: OpDependencies,
  content: ContentReader,
  inputNames: InputNames = new Map(),
): SolverOp<PresentResult> {
  return {
    async cacheMap() {
      return {
        digest: execKey(op),
        deps: op.inputs.map((_, input): CacheDep<PresentResult> => {
          const read = mountSelections(op, input);
          if (read === undefined) return identityDep(op, input);
          return {
            selector: selectorOf(read),
            computeDigest: (result, context) =>
              content.digest(result, read, { treeName: inputNames.get(input), ...followContext(context) }),
          };
        }),
      };
    },

    async exec(inputs, { signal, vertex }) {
      const trees = new ExecTrees(op, inputs, deps, content, signal);
      const secrets = new ExecSecrets(op, deps);
      const tail = new OutputTail();
      try {
        // First, since a value that is missing is soon told.
        await secrets.prepare();
        const devices = op.devices === undefined ? undefined : await deps.devices.prepare(op.devices);
        await trees.prepare();
        const output = secrets.maskOutput((stream, chunk) => {
          vertex.log(stream, chunk);
          tail.push(chunk);
        });
        const {
          code,
          signal: killedBy,
          oomKilled,
        } = await deps.executor.run(
          {
            root: trees.root,
            mounts: [...(devices?.mounts ?? []), ...trees.mounts, ...secrets.mounts],
            args: op.meta.args,
            env: joinEnv(op.meta, devices?.env),
            ...(secrets.env.length === 0 ? {} : { secretEnv: secrets.env }),
            cwd: op.meta.cwd,
            user: op.meta.user,
            hostname: op.meta.hostname ?? HOSTNAME,
            network: op.network === 'none' ? 'none' : 'host',
            insecure: op.security === 'insecure',
            extraHosts: op.meta.extraHosts ?? [],
            ...(devices === undefined ? {} : { devices: devices.nodes, groups: devices.groups }),
          },
          {
            signal,
            onOutput: (stream, chunk) => output.push(stream, chunk),
          },
        );
        output.end();
        if (code !== 0) {
          const died = killedBy === undefined ? {} : { signal: killedBy };
          throw runFailed({
            args: op.meta.args,
            exitCode: code,
            ...died,
            oomKilled,
            output: tail.text(),
            platform: op.platform,
          });
        }
        return await trees.commit();
      } finally {
        await secrets.release();
        await trees.release();
      }
    },
  };
}

/** An input that counts by identity, with the paths that are mounted of it where that is not all. */
function identityDep(op: ExecOp, input: number): CacheDep<PresentResult> {
  const paths = op.mounts.flatMap((mount) =>
    readsInput(mount, input) && mount.selector !== '/' ? [mount.selector] : [],
  );
  return paths.length === 0 ? {} : { selector: digestOf(canonicalJson(paths)) };
}

/** Proxies come last and only where the step does not set them itself; variables of devices stand over all others. */
function joinEnv({ env, proxyEnv = [] }: ExecMeta, deviceEnv: readonly string[] = []): readonly string[] {
  const joined = [...env, ...proxyEnv.filter((entry) => !env.has(nameOf(entry)))];
  const names = new Set(deviceEnv.map(nameOf));
  return [...joined.filter((entry) => !names.has(nameOf(entry))), ...deviceEnv];
}

function nameOf(entry: string): string {
  return entry.slice(0, entry.indexOf('='));
}
