import { constants } from 'node:os';
import { initPath, isNativeError, native, type SandboxExit } from '../native/index.ts';
import { containerFailed } from './errors.ts';
import type { Executor, ExitStatus, ProcessSpec, RunOptions } from './executor.ts';
import { toSandboxRequest } from './sandbox-request.ts';

/** Runs processes in containers that tsbuild makes itself, one helper process each. Keeps no state between runs. */
export function createExecutor(): Executor {
  return { run: runInSandbox };
}

async function runInSandbox(spec: ProcessSpec, options: RunOptions): Promise<ExitStatus> {
  const { signal, onOutput } = options;
  signal?.throwIfAborted();
  let sinkFailure: { readonly error: unknown } | undefined;
  const handle = native.runSandbox(toSandboxRequest(spec, initPath()), (stream, chunk) => {
    if (sinkFailure !== undefined) return;
    try {
      onOutput(stream, chunk);
    } catch (error) {
      // Called from native code, where nobody could catch it.
      sinkFailure = { error };
      handle.kill();
    }
  });
  const kill = () => handle.kill();
  signal?.addEventListener('abort', kill, { once: true });
  try {
    const exit = await handle.exited;
    // Who failed by itself before it could be killed is told so.
    if (exit.code === 0 || exit.signal !== 0) signal?.throwIfAborted();
    if (sinkFailure !== undefined) throw sinkFailure.error;
    return toExitStatus(exit);
  } catch (error) {
    signal?.throwIfAborted();
    throw isNativeError(error) ? containerFailed(error) : error;
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

function toExitStatus(exit: SandboxExit): ExitStatus {
  const name = Object.entries(constants.signals).find(([, number]) => number === exit.signal)?.[0];
  return {
    code: exit.code,
    ...(name === undefined ? {} : { signal: name as NodeJS.Signals }),
    oomKilled: exit.oomKilled,
  };
}
