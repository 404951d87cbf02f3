import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface ExecOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
}

export interface ExecResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Administrators' tools (dockerd, runc, losetup) are not always in an ordinary PATH. */
export const SEARCH_PATH = `${process.env.PATH ?? ''}${delimiter}/usr/local/sbin${delimiter}/usr/sbin${delimiter}/sbin`;

/** Runs a program to its end, whatever its exit code. */
export function tryExec(command: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env, PATH: options.env?.PATH ?? SEARCH_PATH },
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 240_000,
      killSignal: 'SIGKILL',
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    );
    // A program that does not read its input closes the pipe; that is not this call's failure.
    child.stdin.on('error', () => {});
    child.stdin.end(options.input);
  });
}

/** Runs a program that must succeed; the error carries the end of its output. */
export async function exec(command: string, args: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
  const result = await tryExec(command, args, options);
  if (result.code === 0) return result;
  const output = `${result.stdout}\n${result.stderr}`.trim().slice(-4000);
  throw new Error(`${command} ${args.join(' ')}: ${result.signal ?? `exit code ${result.code}`}\n${output}`);
}

/** Every place of `name` on the search path, first the one that a shell would take. */
export function findCommands(name: string): string[] {
  const found = new Set<string>();
  for (const folder of SEARCH_PATH.split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      found.add(path);
    } catch {
      // Not there.
    }
  }
  return [...found];
}
