import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ExecOptions, type ExecResult, tryExec } from './exec.ts';
import { unmountBelow } from './mounts.ts';
import { makeTempDir, removeTree } from './temp.ts';

export const BUILDAH_NEEDS: readonly string[] = ['root', 'buildah', 'runc'];

export interface Buildah {
  readonly run: (args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  stop(): Promise<void>;
}

/** A buildah with a store of its own, in `root` or a temporary folder. It is removed at the end either way. */
export function openBuildah(root = makeTempDir('buildah')): Buildah {
  const settings = {
    CONTAINERS_CONF: join(root, 'containers.conf'),
    CONTAINERS_REGISTRIES_CONF: join(root, 'registries.conf'),
    CONTAINERS_STORAGE_CONF: join(root, 'storage.conf'),
    // What a RUN sees is the image's environment; some versions pass the caller's proxies.
    BUILDAH_ISOLATION: 'oci',
  };
  // The machine's own settings would make results differ from place to place.
  writeFileSync(settings.CONTAINERS_CONF, '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\n');
  writeFileSync(
    settings.CONTAINERS_REGISTRIES_CONF,
    'unqualified-search-registries = []\nshort-name-mode = "disabled"\n',
  );
  writeFileSync(
    settings.CONTAINERS_STORAGE_CONF,
    `[storage]\ndriver = "overlay"\ngraphroot = "${join(root, 'storage')}"\nrunroot = "${join(root, 'run')}"\n`,
  );
  const policy = join(root, 'policy.json');
  writeFileSync(policy, JSON.stringify({ default: [{ type: 'insecureAcceptAnything' }] }));
  return {
    run: (args, given = {}) => {
      const [command = '', ...rest] = args;
      const options = ['build', 'pull', 'push'].includes(command)
        ? ['--signature-policy', policy, '--tls-verify=false']
        : [];
      return tryExec('buildah', [command, ...options, ...rest], { ...given, env: { ...settings, ...given.env } });
    },
    async stop() {
      await unmountBelow(root);
      removeTree(root);
    },
  };
}
