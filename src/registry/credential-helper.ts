import { errorCode } from '../errors.ts';
import type { Credential } from './types.ts';

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/**
 * Asks `docker-credential-<name> get` (docker/docker-credential-helpers): the server's name on stdin, JSON on stdout. `undefined` when the
 * helper has nothing, with a note when it does not work. What it prints is secret and never quoted.
 */
export async function askCredentialHelper(
  name: string,
  server: string,
  env: NodeJS.ProcessEnv,
  note: (why: string) => void,
): Promise<Credential | undefined> {
  const program = `docker-credential-${name}`;
  if (!/^[A-Za-z0-9._-]+$/.test(name)) {
    note(`${JSON.stringify(program)} (not the name of a program)`);
    return undefined;
  }
  const { code, stdout, failure } = await run(program, server, env);
  if (failure !== undefined) {
    note(`${program} (${failure})`);
    return undefined;
  }
  if (code !== 0) {
    if (!/not found/i.test(stdout)) note(`${program} (exit code ${code})`);
    return undefined;
  }
  const credential = parseAnswer(stdout);
  if (credential === undefined) note(`${program} (its answer is not what the protocol asks for)`);
  return credential;
}

function parseAnswer(stdout: string): Credential | undefined {
  try {
    const answer = JSON.parse(stdout) as { Username?: unknown; Secret?: unknown } | null;
    if (typeof answer?.Username !== 'string' || typeof answer.Secret !== 'string') return undefined;
    if (answer.Username === '<token>') return { kind: 'identity', token: answer.Secret };
    return { kind: 'password', username: answer.Username, password: answer.Secret };
  } catch {
    return undefined;
  }
}

interface HelperResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly failure?: string;
}

async function run(program: string, input: string, env: NodeJS.ProcessEnv): Promise<HelperResult> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve) => {
    const child = spawn(program, ['get'], { env, stdio: ['pipe', 'pipe', 'ignore'] });
    // Not spawn's own: that goes on, and keeps the process, when there is no such program.
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const end = (result: HelperResult): void => {
      clearTimeout(timer);
      resolve(result);
    };
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.byteLength;
      if (size > MAX_OUTPUT_BYTES) child.kill('SIGKILL');
      else chunks.push(chunk);
    });
    child.on('error', (error) =>
      end({ code: null, stdout: '', failure: errorCode(error) === 'ENOENT' ? 'not installed' : error.message }),
    );
    child.on('close', (code, signal) =>
      end({
        code,
        stdout: Buffer.concat(chunks).toString('utf8'),
        ...(signal === null ? {} : { failure: `ended by ${signal}` }),
      }),
    );
    // A helper that does not read its input closes the pipe; its answer counts.
    child.stdin.on('error', () => {});
    child.stdin.end(input);
  });
}
