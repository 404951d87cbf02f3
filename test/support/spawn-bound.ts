import { type ChildProcess, spawn } from 'node:child_process';
import { isAbsolute } from 'node:path';
import { findCommands } from './exec.ts';

/** Starts a program that ends when this process does, even by SIGKILL. */
export function spawnBound(
  command: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv } = {},
): ChildProcess {
  const path = isAbsolute(command) ? command : findCommands(command)[0];
  if (path === undefined) throw new Error(`${command} is not installed`);
  return spawn('setpriv', ['--pdeathsig', 'TERM', '--', path, ...args], {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
