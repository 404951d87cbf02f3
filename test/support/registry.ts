import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { spawnBound } from './spawn-bound.ts';
import { makeTempDir, removeTree } from './temp.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

/** What the registries of tests accept as a login. */
export const CREDENTIALS = { username: 'tester', password: 'sesame' } as const;

/** bcrypt of the password, at the lowest cost: the registry reads no other hash. */
const HTPASSWD = '$2y$04$gmBQNrI1tJriKX032qKo.OxxgxezgenTQ0M8.VATBZ2KvSkfQ/ivK';

export interface RegistryOptions {
  readonly auth?: 'none' | 'basic' | 'token';
  /** Allows DELETE of manifests and blobs. */
  readonly delete?: boolean;
  /** Storage that outlives the registry; a temporary one otherwise. */
  readonly root?: string;
}

export interface Registry {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  readonly root: string;
  /** The issuer of tokens, with `auth: 'token'`. */
  readonly tokens: TokenServer | undefined;
  stop(): Promise<void>;
}

/** Starts Debian's docker-registry on a free port of the loopback interface. */
export async function startRegistry(options: RegistryOptions = {}): Promise<Registry> {
  const state = makeTempDir('registry');
  const root = options.root ?? join(state, 'data');
  mkdirSync(root, { recursive: true });
  const tokens = options.auth === 'token' ? await startTokenServer(CREDENTIALS) : undefined;
  const configPath = join(state, 'config.json');
  writeFileSync(join(state, 'htpasswd'), `${CREDENTIALS.username}:${HTPASSWD}\n`);
  if (tokens !== undefined) writeFileSync(join(state, 'issuer.pem'), tokens.certificate);
  // YAML is a superset of JSON.
  writeFileSync(
    configPath,
    JSON.stringify({
      version: 0.1,
      log: { level: 'info', accesslog: { disabled: true } },
      storage: {
        filesystem: { rootdirectory: root },
        delete: { enabled: options.delete ?? false },
        maintenance: { uploadpurging: { enabled: false } },
      },
      http: { addr: '127.0.0.1:0' },
      ...(options.auth === 'basic' ? { auth: { htpasswd: { realm: 'tests', path: join(state, 'htpasswd') } } } : {}),
      ...(tokens === undefined
        ? {}
        : {
            auth: {
              token: {
                realm: tokens.realm,
                service: tokens.service,
                issuer: tokens.issuer,
                rootcertbundle: join(state, 'issuer.pem'),
              },
            },
          }),
    }),
  );
  const child = spawnBound('docker-registry', ['serve', configPath], {
    // The registry reads its settings from REGISTRY_* too; it tells of its traces to nobody.
    env: { PATH: process.env.PATH, OTEL_TRACES_EXPORTER: 'none' },
  });
  const port = await readPort(child);
  return {
    host: `127.0.0.1:${port}`,
    root,
    tokens,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await tokens?.stop();
      removeTree(state);
    },
  };
}

async function readPort(child: ChildProcess): Promise<string> {
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8');
  const lines = createInterface({ input: child.stderr ?? process.stdin });
  child.stdout?.resume();
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      if (said.length < 100) said.push(line);
      const port = /listening on 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (port !== undefined) resolve(port);
    });
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`docker-registry ended with code ${code}:\n${said.join('\n')}`)));
  });
}
