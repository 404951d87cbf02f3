import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SshSpec } from '../build-types.ts';
import { errorCode, errorMessage } from '../errors.ts';
import type { Store } from '../store/index.ts';
import { createForwarder } from './agent/forwarder.ts';
import { createKeyAgent } from './agent/key-agent.ts';
import { KeyError, type PrivateKey, parsePrivateKey } from './agent/private-key.ts';
import { serveAgent } from './agent/socket.ts';
import type { Agent } from './agent/types.ts';
import { sshAgentFailed, sshAgentMissing, sshSpecInvalid } from './errors.ts';
import type { SshAgents } from './types.ts';

/** `<owner>-<random>`: the owner says whose it is, and so whether it is still wanted. */
const OWNED = /^(\d+-[0-9a-f]{12})-[0-9a-f]{8}$/;

/** No private key is larger (BuildKit's bound). */
const MAX_KEY_BYTES = 100 * 1024;

/**
 * The agents of one build. Keys are read now, so that a passphrase or a path that leads nowhere is known before anything runs.
 * Throws `SSH_AGENT_INVALID`.
 */
export function createSshAgents(
  specs: readonly SshSpec[],
  store: Pick<Store, 'paths' | 'owner'>,
  env: NodeJS.ProcessEnv = process.env,
): SshAgents {
  const agents = new Map<string, Agent>();
  for (const spec of specs) {
    const id = spec.id || 'default';
    if (agents.has(id)) throw sshSpecInvalid(id, 'it is given twice');
    agents.set(id, createAgent(id, spec.paths, env));
  }
  return {
    has: (id) => agents.has(id),
    async open(id, options) {
      const agent = agents.get(id);
      if (agent === undefined) throw sshAgentMissing(id);
      const { id: owner } = await store.owner();
      mkdirSync(store.paths.agents, { recursive: true, mode: 0o700 });
      try {
        // An agent that is gone is better said here than by ssh, in its own words.
        (await agent.connect()).close();
        return await serveAgent(agent, join(store.paths.agents, `${owner}-${randomBytes(4).toString('hex')}`), options);
      } catch (error) {
        throw sshAgentFailed(id, errorMessage(error));
      }
    },
  };
}

/** Removes the sockets of processes that are gone. */
export async function sweepAgentSockets(store: Pick<Store, 'paths' | 'owner'>): Promise<void> {
  let names: string[];
  try {
    names = readdirSync(store.paths.agents);
  } catch {
    // No build has had an agent yet.
    return;
  }
  const owner = await store.owner();
  for (const name of names) {
    const id = OWNED.exec(name)?.[1];
    if (id === undefined || (await owner.isAlive(id))) continue;
    rmSync(join(store.paths.agents, name), { recursive: true, force: true });
  }
}

/** One socket, or key files; nothing at all is the agent of the user's session. */
function createAgent(id: string, given: readonly string[], env: NodeJS.ProcessEnv): Agent {
  const isEmpty = given.length === 0 || (given.length === 1 && given[0] === '');
  const paths = isEmpty ? [env.SSH_AUTH_SOCK ?? ''] : given;
  if (paths[0] === '')
    throw sshSpecInvalid(
      id,
      'no ssh agent is running: SSH_AUTH_SOCK is not set',
      `start one (eval "$(ssh-agent)"; ssh-add), or name a key file: --ssh ${id}=<path>`,
    );
  const keys: PrivateKey[] = [];
  let socket: string | undefined;
  for (const path of paths) {
    if (isSocket(id, path)) socket = path;
    else keys.push(readKey(id, path));
  }
  if (socket === undefined) return createKeyAgent(keys);
  if (paths.length > 1) throw sshSpecInvalid(id, 'one socket, or key files: not both and not several sockets');
  return createForwarder(socket);
}

function isSocket(id: string, path: string): boolean {
  try {
    const stat = statSync(path);
    if (!stat.isSocket() && !stat.isFile()) throw sshSpecInvalid(id, `${path} is neither a socket nor a key file`);
    if (stat.isFile() && stat.size > MAX_KEY_BYTES) throw sshSpecInvalid(id, `${path} is too large for a private key`);
    return stat.isSocket();
  } catch (error) {
    if (error instanceof Error && error.name === 'TsbuildError') throw error;
    throw sshSpecInvalid(
      id,
      errorCode(error) === 'ENOENT' ? `${path} does not exist` : errorMessage(error),
      `give a socket or key files: --ssh ${id}=<path>,…`,
    );
  }
}

function readKey(id: string, path: string): PrivateKey {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch (error) {
    throw sshSpecInvalid(id, errorMessage(error));
  }
  try {
    return parsePrivateKey(text);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    const hint = error.encrypted ? `add it to an agent (ssh-add ${path}), and give that: --ssh ${id}` : undefined;
    throw sshSpecInvalid(id, `${path}: ${error.message}`, hint);
  }
}
