import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where things lie under a store's root. `blobs`, `index.json` and `oci-layout` form an OCI image layout. */
export interface StorePaths {
  readonly root: string;
  readonly blobs: string;
  readonly snapshots: string;
  readonly cacheMounts: string;
  readonly meta: string;
  /** What is remembered of the files of build contexts, a file for each. Made when first needed. */
  readonly statCache: string;
  readonly logs: string;
  /** Records of builds, one directory each, and what several of them share. Made when first needed. */
  readonly builds: string;
  /** Bare repositories, one for each remote that builds have read. Made when first needed. */
  readonly git: string;
  readonly locks: string;
  /** Half-written files; same file system as `blobs`, so that a rename moves them. */
  readonly ingest: string;
  /** Sockets of ssh agents, one directory each, while a step has them. */
  readonly agents: string;
}

/** `--root`, else `TSBUILD_ROOT`, else `/var/lib/tsbuild` for root and `$XDG_DATA_HOME/tsbuild` for everybody else. */
export function defaultRoot(env: NodeJS.ProcessEnv = process.env): string {
  if (env.TSBUILD_ROOT) return env.TSBUILD_ROOT;
  if (process.getuid?.() === 0) return '/var/lib/tsbuild';
  return join(env.XDG_DATA_HOME || join(homedir(), '.local', 'share'), 'tsbuild');
}

export function storePaths(root: string): StorePaths {
  return {
    root,
    blobs: join(root, 'blobs'),
    snapshots: join(root, 'snapshots'),
    cacheMounts: join(root, 'cache-mounts'),
    meta: join(root, 'meta'),
    statCache: join(root, 'meta', 'stat-cache'),
    logs: join(root, 'logs'),
    builds: join(root, 'builds'),
    git: join(root, 'git'),
    locks: join(root, 'locks'),
    ingest: join(root, 'ingest'),
    agents: join(root, 'agents'),
  };
}
