import { EnvList, execState, fileState, type State, sourceState } from '../../src/llb/index.ts';
import type { CopyAction, ExecMeta, ExecMount, FileAction } from '../../src/llb/ops.ts';
import { hostPlatform } from '../../src/oci/index.ts';

export const localContext = (name = 'context'): State =>
  sourceState({ identifier: `local://${name}`, attrs: {} }, { name: `load ${name}` });

/** `COPY src dest` from a state. */
export function copyStep(
  base: State | undefined,
  from: State | undefined,
  src: string,
  dest: string,
  more: Partial<CopyAction> = {},
) {
  const inputs = [base, from].filter((state) => state !== undefined);
  const copy: FileAction = {
    type: 'copy',
    input: from === undefined ? -1 : inputs.length - 1,
    src,
    dest,
    followSymlinks: true,
    dirCopyContents: true,
    allowWildcard: true,
    allowEmptyWildcard: true,
    createDestPath: true,
    attemptUnpack: false,
    ...more,
  };
  return fileState(inputs, base === undefined ? -1 : 0, [copy], { name: `COPY ${src} ${dest}` });
}

/** `RUN script`; further mounts name their inputs by their place in `inputs`, where the base is 0. */
export function runStep(
  base: State,
  script: string,
  more: {
    readonly inputs?: readonly State[];
    readonly mounts?: readonly ExecMount[];
    readonly meta?: Partial<ExecMeta>;
    readonly ignoreCache?: boolean;
  } = {},
): State {
  const root: ExecMount = { type: 'bind', input: 0, target: '/', selector: '/', readonly: false, output: 0 };
  return execState(
    [base, ...(more.inputs ?? [])],
    {
      platform: hostPlatform(),
      meta: { args: ['/bin/sh', '-c', script], env: EnvList.from(['PATH=/bin']), cwd: '/', user: '', ...more.meta },
      mounts: [root, ...(more.mounts ?? [])],
      network: 'default',
      security: 'sandbox',
    },
    { name: `RUN ${script}`, ...(more.ignoreCache === undefined ? {} : { ignoreCache: more.ignoreCache }) },
  );
}
