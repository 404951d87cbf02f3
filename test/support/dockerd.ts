import { once } from 'node:events';
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ExecOptions, type ExecResult, exec, findCommands, SEARCH_PATH, tryExec } from './exec.ts';
import { unmountBelow } from './mounts.ts';
import type { DockerPrograms } from './newest-docker.ts';
import { spawnBound } from './spawn-bound.ts';
import { makeTempDir, removeTree } from './temp.ts';

/** The programs and rights that a dockerd of a test needs. */
export const DOCKERD_NEEDS: readonly string[] = ['root', 'dockerd', 'docker', 'containerd', 'runc', 'setpriv'];

export interface DockerdOptions {
  /** A folder for all state; a temporary one otherwise. It is emptied at the end either way. */
  readonly root?: string;
  readonly storageDriver?: 'overlay2' | 'vfs';
  /** Another docker than the machine's own. */
  readonly programs?: DockerPrograms;
  /** Images in containerd, as a new docker has them by default: only there can BuildKit merge layers (COPY --link). */
  readonly containerdStore?: boolean;
}

export interface Dockerd {
  /** For `DOCKER_HOST`. */
  readonly socket: string;
  /** The client of the daemon's own version. */
  readonly client: string;
  /** Runs the client; BuildKit is on. */
  readonly run: (args: readonly string[], options?: ExecOptions) => Promise<ExecResult>;
  stop(): Promise<void>;
}

/** Of this process: each has a cgroup of its own. */
let started = 0;

/**
 * Starts a dockerd that shares nothing with one that the machine may run: state, socket, cgroups, and no bridge or
 * firewall rule. Build with `--network=host`. BuildKit is the one built into the daemon.
 */
export async function startDockerd(options: DockerdOptions = {}): Promise<Dockerd> {
  const root = options.root ?? makeTempDir('docker');
  const socket = `unix://${join(root, 'docker.sock')}`;
  const cgroup = `/tsbuild-test-docker-${process.pid}-${started++}`;
  const log = join(root, 'dockerd.log');
  const { programs } = options;
  const child = spawnBound(
    programs === undefined ? 'dockerd' : join(programs.bin, 'dockerd'),
    [
      '--data-root',
      join(root, 'data'),
      '--exec-root',
      join(root, 'exec'),
      '--pidfile',
      join(root, 'pid'),
      '--host',
      socket,
      '--cgroup-parent',
      cgroup,
      '--bridge=none',
      '--iptables=false',
      ...(programs === undefined ? [] : ['--ip6tables=false']),
      '--ip-masq=false',
      '--ip-forward=false',
      ...(options.containerdStore ? ['--feature', 'containerd-snapshotter=true'] : []),
      ...(options.storageDriver === undefined ? [] : ['--storage-driver', options.storageDriver]),
    ],
    // It finds its containerd on the path.
    programs === undefined ? {} : { env: { ...process.env, PATH: `${programs.bin}:${SEARCH_PATH}` } },
  );
  const ended = once(child, 'exit');
  const logFile = createWriteStream(log);
  child.stdout?.pipe(logFile, { end: false });
  child.stderr?.pipe(logFile, { end: false });

  const client = programs === undefined ? await findClient() : join(programs.bin, 'docker');
  const config = join(root, 'config');
  if (programs !== undefined) {
    mkdirSync(config, { recursive: true });
    symlinkSync(programs.plugins, join(config, 'cli-plugins'));
  }
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await ended;
      clearTimeout(killer);
    }
    logFile.end();
    await unmountBelow(root);
    removeCgroups(cgroup);
    removeTree(root);
  };
  const run: Dockerd['run'] = (args, options = {}) =>
    tryExec(client, args, {
      ...options,
      env: { DOCKER_HOST: socket, DOCKER_BUILDKIT: '1', DOCKER_CONFIG: config, ...options.env },
    });

  const deadline = Date.now() + 30_000;
  while ((await run(['version'])).code !== 0) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const said = readFileSync(log, 'utf8').slice(-3000);
      await stop();
      throw new Error(`dockerd did not start:\n${said}`);
    }
    await sleep(50);
  }
  return { socket, client, run, stop };
}

/** A machine may have several clients; a newer one cannot build with an older daemon without a plug-in. */
async function findClient(): Promise<string> {
  const version = (text: string): string | undefined => /version ([\d.]+)/.exec(text)?.[1];
  const daemon = version((await exec('dockerd', ['--version'])).stdout);
  const clients = findCommands('docker');
  for (const client of clients) if (version((await tryExec(client, ['--version'])).stdout) === daemon) return client;
  const first = clients[0];
  if (first === undefined) throw new Error('docker is not installed');
  return first;
}

/** cgroup v1 has the daemon's group in each controller's tree, v2 in one. */
function removeCgroups(name: string): void {
  const top = '/sys/fs/cgroup';
  const candidates = existsSync(top) ? [top, ...readdirSync(top).map((controller) => join(top, controller))] : [];
  for (const candidate of candidates) removeCgroup(join(candidate, name));
}

function removeCgroup(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  try {
    rmdirSync(path);
  } catch {
    // A process that is just ending still holds it; an empty group costs nothing.
  }
}
