import { chmodSync, chownSync, closeSync, constants, mkdirSync, openSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { SshSocket, SshSocketOptions } from '../types.ts';
import { readMessages } from './message-reader.ts';
import type { Agent } from './types.ts';

/** What the address of a Unix socket holds (sun_path), without its zero. */
const MAX_SOCKET_PATH = 107;
const NAME = 'agent';

/** More clients than any build step has at once. */
const MAX_CONNECTIONS = 64;

/** Listens at a socket in `directory`, which is made, and answers through `agent` until it is closed. */
export async function serveAgent(agent: Agent, directory: string, options: SshSocketOptions = {}): Promise<SshSocket> {
  mkdirSync(directory, { mode: 0o700 });
  const opened = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  const path = join(directory, NAME);
  // Whatever the length of the directory's own path, this one is short.
  const link = `/proc/${process.pid}/fd/${opened}/${NAME}`;
  const clients = new Set<Socket>();
  const server = createServer((client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    // Clients come and go as they like; what they did not read is nobody's loss.
    client.on('error', () => {});
    void serveClient(agent, client);
  });
  server.maxConnections = MAX_CONNECTIONS;
  let closing: Promise<void> | undefined;
  // Once: the number of a closed descriptor may be somebody else's by then.
  const close = (): Promise<void> => (closing ??= end());
  const end = async (): Promise<void> => {
    for (const client of clients) client.destroy();
    await new Promise((resolve) => {
      server.close(resolve);
    });
    closeSync(opened);
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    await listen(server, link);
    chmodSync(path, options.mode ?? 0o600);
    if (options.uid || options.gid) chownSync(path, options.uid ?? 0, options.gid ?? 0);
  } catch (error) {
    await close();
    throw error;
  }
  // It must not keep the program running.
  server.unref();
  return { path: Buffer.byteLength(path) <= MAX_SOCKET_PATH ? path : link, close };
}

async function serveClient(agent: Agent, client: Socket): Promise<void> {
  let connection: Awaited<ReturnType<Agent['connect']>> | undefined;
  try {
    connection = await agent.connect();
    for await (const request of readMessages(client)) client.write(await connection.answer(request));
  } catch {
    // A malformed request, or an agent that is gone: the client sees the end of the connection, as with any agent.
  } finally {
    connection?.close();
    client.destroy();
  }
}

async function listen(server: Server, path: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
}
