import { createSign, randomUUID, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { exec } from './exec.ts';
import { makeTempDir, removeTree } from './temp.ts';

/** An issuer of registry tokens by distribution's token specification, for the registry of a test. */
export interface TokenServer {
  /** The address that a registry names in its challenge. */
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** PEM; whoever trusts it trusts the tokens. */
  readonly certificate: string;
  /** Each request for a token, oldest first. */
  readonly requests: readonly TokenRequest[];
  stop(): Promise<void>;
}

export interface TokenRequest {
  readonly method: string;
  readonly account: string | undefined;
  readonly scopes: readonly string[];
  readonly status: number;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
}

const SERVICE = 'tsbuild-test';
const ISSUER = 'tsbuild-test-issuer';
const LIFETIME_S = 300;

/** Who has the credentials may do all that is asked; anyone else gets `pull` and nothing more. */
export async function startTokenServer(credentials: Credentials): Promise<TokenServer> {
  const { key, certificate } = await makeCertificate();
  const requests: TokenRequest[] = [];
  const refreshToken = randomUUID();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const form = request.method === 'POST' ? new URLSearchParams(await readBody(request)) : url.searchParams;
    const given = readCredentials(request, form);
    const known =
      form.get('refresh_token') === refreshToken ||
      (given?.username === credentials.username && given.password === credentials.password);
    const scopes = form.getAll('scope').flatMap((scope) => scope.split(' '));
    const status = url.pathname !== '/token' ? 404 : given !== undefined && !known ? 401 : 200;
    requests.push({ method: request.method ?? '', account: known ? credentials.username : undefined, scopes, status });
    response.writeHead(status, { 'content-type': 'application/json' });
    if (status !== 200) {
      response.end(JSON.stringify({ errors: [{ code: 'UNAUTHORIZED', message: 'wrong credentials' }] }));
      return;
    }
    const token = signToken(known ? credentials.username : '', scopes, known, key, certificate);
    response.end(
      JSON.stringify({
        token,
        access_token: token,
        expires_in: LIFETIME_S,
        issued_at: new Date().toISOString(),
        ...(known ? { refresh_token: refreshToken } : {}),
      }),
    );
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    realm: `http://127.0.0.1:${port}/token`,
    service: SERVICE,
    issuer: ISSUER,
    certificate,
    requests,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function makeCertificate(): Promise<{ key: string; certificate: string }> {
  const dir = makeTempDir('cert');
  try {
    const [key, certificate] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    await exec('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      `/CN=${ISSUER}`,
      '-keyout',
      key,
      '-out',
      certificate,
    ]);
    return { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') };
  } finally {
    removeTree(dir);
  }
}

/** The password grant of a form, or HTTP Basic. */
function readCredentials(request: IncomingMessage, form: URLSearchParams): Credentials | undefined {
  if (form.get('grant_type') === 'password')
    return { username: form.get('username') ?? '', password: form.get('password') ?? '' };
  const basic = /^Basic (.+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (basic === undefined) return undefined;
  const [username = '', ...password] = Buffer.from(basic, 'base64').toString().split(':');
  return { username, password: password.join(':') };
}

function signToken(
  subject: string,
  scopes: readonly string[],
  known: boolean,
  key: string,
  certificate: string,
): string {
  const now = Math.floor(Date.now() / 1000);
  const access = scopes.flatMap((scope) => {
    // `repository:<name>:<actions>`; the name may hold a host with a port.
    const match = /^([a-z]+):(.+):([a-z*,]+)$/.exec(scope);
    if (match === null) return [];
    const [, type, name, actions = ''] = match;
    return [{ type, name, actions: actions.split(',').filter((action) => known || action === 'pull') }];
  });
  const header = {
    typ: 'JWT',
    alg: 'RS256',
    x5c: [new X509Certificate(certificate).raw.toString('base64')],
  };
  const claims = {
    iss: ISSUER,
    sub: subject,
    aud: SERVICE,
    iat: now,
    nbf: now - 10,
    exp: now + LIFETIME_S,
    jti: randomUUID(),
    access,
  };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createSign('RSA-SHA256').update(signed).sign(key, 'base64url')}`;
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
