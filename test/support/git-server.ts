import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { canConnect } from './connect.ts';
import { exec } from './exec.ts';
import { writeFiles } from './files.ts';
import { spawnBound } from './spawn-bound.ts';
import { startWebServer, type WebServer } from './web-server.ts';

/** Everything that git wants to know of its user, and nothing of the machine's. Two builds of one history have one commit. */
const ENV = {
  ...process.env,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_AUTHOR_NAME: 'tester',
  GIT_AUTHOR_EMAIL: 'tester@example.com',
  GIT_COMMITTER_NAME: 'tester',
  GIT_COMMITTER_EMAIL: 'tester@example.com',
  GIT_AUTHOR_DATE: '2020-02-02T02:02:02Z',
  GIT_COMMITTER_DATE: '2020-02-02T02:02:02Z',
};

/** A repository with a work tree in which tests commit. */
export interface TestRepository {
  readonly path: string;
  git(...args: readonly string[]): Promise<string>;
  /** Writes files and commits them; gives the commit. */
  commit(files: Readonly<Record<string, string>>): Promise<string>;
}

export async function makeRepository(path: string): Promise<TestRepository> {
  mkdirSync(path, { recursive: true });
  const git = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await exec('git', ['-C', path, ...args], { env: ENV });
    return stdout.trim();
  };
  await git('init', '--quiet', '-b', 'main');
  return {
    path,
    git,
    async commit(files) {
      writeFiles(path, files);
      await git('add', '--all');
      await git('commit', '--quiet', '--allow-empty', '-m', 'change');
      return git('rev-parse', 'HEAD');
    },
  };
}

/** Serves the repositories below `root` by git's own http backend; `allows` looks at the Authorization header. */
export function startGitHttp(
  root: string,
  allows: (authorization: string | undefined, path: string) => boolean = () => true,
  options: {
    /** Of git's version 0, which gives out by its name only what a ref leads to. */ readonly oldProtocol?: boolean;
  } = {},
): Promise<WebServer> {
  return startWebServer((request, response) => {
    if (allows(request.headers.authorization, request.url ?? '')) {
      if (options.oldProtocol) delete request.headers['git-protocol'];
      runBackend(root, request, response);
    } else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
  });
}

/** The common gateway interface (RFC 3875), as far as git http-backend needs it. */
function runBackend(root: string, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const backend = spawn('git', ['http-backend'], {
    env: {
      ...ENV,
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
      PATH_INFO: decodeURIComponent(url.pathname),
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      ...(request.headers['content-length'] === undefined ? {} : { CONTENT_LENGTH: request.headers['content-length'] }),
    },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  backend.stdin.on('error', () => {});
  request.pipe(backend.stdin);
  let head: Buffer | undefined = Buffer.alloc(0);
  backend.stdout.on('data', (chunk: Buffer) => {
    if (head === undefined) {
      response.write(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    for (const line of head.subarray(0, end).toString().split('\r\n')) {
      const [name = '', value = ''] = line.split(/:\s*/, 2);
      if (name.toLowerCase() === 'status') response.statusCode = Number.parseInt(value, 10);
      else response.setHeader(name, value);
    }
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  backend.on('close', () => response.end());
}

export interface GitServer {
  /** `git://127.0.0.1:<port>`, `ssh://git@127.0.0.1:<port><root>`. */
  readonly url: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** `git daemon` for everything below `root`. */
export async function startGitDaemon(root: string): Promise<GitServer> {
  const port = await findPort();
  const daemon = spawnBound(
    'git',
    [
      '-c',
      'safe.directory=*',
      'daemon',
      '--export-all',
      '--reuseaddr',
      '--listen=127.0.0.1',
      `--port=${port}`,
      `--base-path=${root}`,
      root,
    ],
    { env: ENV },
  );
  await waitForPort(port);
  return {
    url: `git://127.0.0.1:${port}`,
    port,
    async stop() {
      daemon.kill();
      await new Promise((resolve) => daemon.once('close', resolve));
    },
  };
}

/** A server of ssh that knows one key, `<directory>/key`, which it makes, for whoever runs the tests. */
export async function startSshd(
  directory: string,
): Promise<GitServer & { readonly key: string; readonly hostKey: string }> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const [key, hostKey] = [join(directory, 'key'), join(directory, 'host_key')];
  for (const file of [key, hostKey]) await exec('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
  mkdirSync('/run/sshd', { recursive: true });
  const port = await findPort();
  const config = join(directory, 'sshd_config');
  writeFileSync(
    config,
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${key}.pub`,
      `PidFile ${join(directory, 'pid')}`,
      'PermitRootLogin prohibit-password',
      'PasswordAuthentication no',
      'StrictModes no',
      'UsePAM no',
      '',
    ].join('\n'),
  );
  const daemon = spawnBound('/usr/sbin/sshd', ['-D', '-e', '-f', config]);
  await waitForPort(port);
  return {
    url: `ssh://root@127.0.0.1:${port}`,
    port,
    key,
    hostKey,
    async stop() {
      daemon.kill();
      await new Promise((resolve) => daemon.once('close', resolve));
    },
  };
}

async function findPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function waitForPort(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await canConnect(port)) return;
    await sleep(50);
  }
  throw new Error(`nothing listens on port ${port}`);
}
