import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Network } from '../../network.ts';
import { findTlsFiles } from '../../registry/tls.ts';
import type { Secrets, SshAgents } from '../../secrets/types.ts';
import type { Snapshotter } from '../../snapshot/snapshotter.ts';
import { findAuth } from './auth.ts';
import { authorityUnreadable } from './errors.ts';
import type { GitTree } from './git-op.ts';
import { createGitProgram, type GitProgram } from './program.ts';

export interface SessionDependencies {
  readonly snapshotter: Pick<Snapshotter, 'prepare'>;
  readonly secrets: Pick<Secrets, 'read'>;
  readonly sshAgents: Pick<SshAgents, 'open'>;
  readonly network: Network;
  /** Default `process.env`: PATH, proxies, and HOME for the hosts that ssh knows. */
  readonly env?: NodeJS.ProcessEnv;
}

/** git with everything that one fetch needs. */
export interface GitSession {
  readonly git: GitProgram;
  /** An empty directory for whatever is needed on the way; gone when the session ends. */
  readonly directory: string;
  close(): Promise<void>;
}

/**
 * Settings of every call. The machine's own are not read: no hooks, helpers, aliases or rewritten URLs of whoever builds. What a
 * repository brings along may neither start a program nor reach for a file of the machine.
 */
const SETTINGS = `[core]
	hooksPath = /dev/null
	fsmonitor = false
	askPass = /bin/false
[credential]
	helper =
[init]
	defaultBranch = master
[safe]
	directory = *
[gc]
	auto = 0
[maintenance]
	auto = false
[advice]
	detachedHead = false
[submodule]
	recurse = false
[fetch]
	recurseSubmodules = false
[http]
	lowSpeedLimit = 1
	lowSpeedTime = 120
[uploadpack]
	allowAnySHA1InWant = true
`;

const PROXIES = ['http_proxy', 'https_proxy', 'no_proxy', 'all_proxy'].flatMap((name) => [name, name.toUpperCase()]);

/** Makes what git needs to fetch a tree. Throws `SSH_AGENT_MISSING` and what reading a secret throws. */
export async function openSession(
  tree: GitTree,
  { snapshotter, secrets, sshAgents, network, env = process.env }: SessionDependencies,
): Promise<GitSession> {
  // A snapshot that is never committed: swept, should we be killed.
  const scratch = await snapshotter.prepare(undefined);
  const directory = scratch.mount.upper ?? '';
  try {
    writeFileSync(join(directory, 'gitconfig'), SETTINGS);
    // Without a network nobody is asked who we are: git works on what the store has.
    const { offline } = network;
    const isSsh = tree.protocol === 'ssh' && !offline;
    const socket = isSsh ? await sshAgents.open(tree.sshAgent ?? 'default') : undefined;
    const auth = offline ? { env: {}, hidden: [] } : await findAuth(tree, secrets);
    const values: Record<string, string> = {
      PATH: env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
      HOME: directory,
      LC_ALL: 'C',
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_CONFIG_GLOBAL: join(directory, 'gitconfig'),
      GIT_ATTR_NOSYSTEM: '1',
      GIT_TERMINAL_PROMPT: '0',
      // Wherever it is started from, it finds no repository but the one that it is told.
      GIT_CEILING_DIRECTORIES: dirname(directory),
      // Of submodules too, whatever they call for.
      GIT_ALLOW_PROTOCOL: offline ? 'file' : 'http:https:ssh:git',
      ...sshVariables(directory, env.HOME ?? homedir(), socket?.path),
      ...(await tlsVariables(tree, directory, env)),
      ...auth.env,
    };
    for (const name of PROXIES) {
      const value = env[name];
      if (value !== undefined) values[name] = value;
    }
    return {
      git: createGitProgram(tree, directory, { env: values, hidden: auth.hidden, network }),
      directory,
      async close() {
        await socket?.close();
        await scratch.remove();
      },
    };
  } catch (error) {
    await scratch.remove();
    throw error;
  }
}

/** Authorities that are trusted besides the well-known ones, as in everything else that tsbuild asks for over TLS. */
async function tlsVariables(
  { protocol, host }: GitTree,
  directory: string,
  env: NodeJS.ProcessEnv,
): Promise<Readonly<Record<string, string>>> {
  if (protocol !== 'https') return {};
  const named = findTlsFiles(host, env)?.authorities ?? [];
  const extra = [...named, ...(env.NODE_EXTRA_CA_CERTS ? [env.NODE_EXTRA_CA_CERTS] : [])];
  if (extra.length === 0) return {};
  const { rootCertificates } = await import('node:tls');
  const bundle = join(directory, 'authorities.pem');
  writeFileSync(bundle, [...rootCertificates, ...extra.map(readAuthorities)].join('\n'));
  return { GIT_SSL_CAINFO: bundle };
}

function readAuthorities(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw authorityUnreadable(path, error);
  }
}

/**
 * ssh with no settings or keys of the machine but the host keys that its user knows: a host that is known must have the same key, a new
 * one is taken at its word, for this time.
 */
function sshVariables(directory: string, home: string, socket: string | undefined): Readonly<Record<string, string>> {
  const config = join(directory, 'ssh_config');
  const known = join(home, '.ssh/known_hosts');
  const quote = (path: string): string => `"${path}"`;
  const files = [join(directory, 'known_hosts'), ...(existsSync(known) && !known.includes('"') ? [known] : [])];
  writeFileSync(
    config,
    [
      'BatchMode yes',
      'IdentityFile none',
      'StrictHostKeyChecking accept-new',
      `UserKnownHostsFile ${files.map(quote).join(' ')}`,
      'ConnectTimeout 30',
      'ServerAliveInterval 15',
      'LogLevel ERROR',
      '',
    ].join('\n'),
  );
  return {
    GIT_SSH_COMMAND: `ssh -F '${config.replaceAll("'", "'\\''")}'`,
    GIT_SSH_VARIANT: 'ssh',
    ...(socket === undefined ? {} : { SSH_AUTH_SOCK: socket }),
  };
}
