import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type ExecOptions, type ExecResult, tryExec } from './exec.ts';
import { makeTempDir, removeTree } from './temp.ts';

/** The command as it is installed, started by its launcher. */
export const TSBUILD = fileURLToPath(
  new URL(import.meta.url.includes('/out/') ? '../../../dist/tsbuild' : '../../dist/tsbuild', import.meta.url),
);

export interface Tsbuild {
  /** The folder of its store. */
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  readonly run: (args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  stop(): void;
}

/** tsbuild with a store of its own, in `root` or a temporary folder that is removed at the end. */
export function openTsbuild(root = makeTempDir('store')): Tsbuild {
  if (!existsSync(TSBUILD)) throw new Error('dist/tsbuild is not built: run scripts/setup.sh');
  const env = { ...process.env, TSBUILD_ROOT: root, DOCKER_CONFIG: `${root}.no-config` };
  return {
    root,
    env,
    run: (args, options = {}) => tryExec(TSBUILD, args, { ...options, env: { ...env, ...options.env } }),
    stop: () => removeTree(root),
  };
}
