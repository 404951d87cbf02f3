import { TsbuildError } from '../../errors.ts';
import { initPath } from '../../native/index.ts';
import type { Network } from '../../network.ts';
import { redactUrl } from '../../remote-url/index.ts';
import { createMasker } from '../../secrets/index.ts';
import { gitFailed, gitMissing, gitTimeout } from './errors.ts';
import type { GitTree } from './git-op.ts';
import { readProgress } from './progress.ts';

/** Starts git for one tree: always with the same home, settings and credentials. */
export interface GitProgram {
  /** Standard output. Rejects with an error that tells what git said; `what` is for its message: `cannot <what> <remote>: …`. */
  run(args: readonly string[], call: GitCall): Promise<string>;
}

export interface GitCall {
  readonly what: string;
  /** Default: the empty home. */
  readonly cwd?: string;
  readonly gitDir?: string;
  readonly workTree?: string;
  /** Besides those of every call. */
  readonly env?: Readonly<Record<string, string>>;
  /** It speaks with a server, where the network may be used: it ends when nothing comes for some minutes, and its progress is shown. */
  readonly remote?: boolean;
  readonly signal: AbortSignal;
  readonly onTask?: (id: string, current: number, total: number, completed?: boolean) => void;
  readonly onLog?: (data: Uint8Array) => void;
}

/** What all calls have in common. */
export interface GitSettings {
  readonly env: Readonly<Record<string, string>>;
  /** What nobody may read in what git prints. */
  readonly hidden?: Iterable<Uint8Array>;
  readonly network: Network;
}

const SILENCE_MS = 180_000;
/** What is kept of an output. A list of refs is the longest that is read. */
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 256 * 1024;
const NOT_FOUND = 127;

export function createGitProgram(
  tree: Pick<GitTree, 'remote' | 'host'>,
  home: string,
  { env, hidden = [], network }: GitSettings,
): GitProgram {
  return {
    async run(args, call) {
      const { signal } = call;
      if (call.remote) network.admit({ kind: 'git', name: redactUrl(tree.remote) });
      // Loaded when needed: it is a share of what a cached build costs.
      const { spawn } = await import('node:child_process');
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason);
          return;
        }
        // git starts programs of its own: all of them end with the first one, and that one with us.
        const child = spawn(initPath(), ['bound', String(process.pid), 'git', ...args], {
          cwd: call.cwd ?? home,
          env: {
            ...env,
            ...(call.gitDir === undefined ? {} : { GIT_DIR: call.gitDir }),
            ...(call.workTree === undefined ? {} : { GIT_WORK_TREE: call.workTree }),
            ...call.env,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let failure: unknown;
        const stop = (error: unknown): void => {
          failure ??= error;
          child.kill('SIGKILL');
        };
        const onAbort = (): void => stop(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        let silence = call.remote ? setTimeout(onSilence, SILENCE_MS) : undefined;
        function onSilence(): void {
          stop(gitTimeout(tree.remote, SILENCE_MS / 1000));
        }
        const heard = (): void => {
          if (silence === undefined) return;
          clearTimeout(silence);
          silence = setTimeout(onSilence, SILENCE_MS);
        };

        const output: Buffer[] = [];
        let size = 0;
        child.stdout.on('data', (chunk: Buffer) => {
          heard();
          size += chunk.byteLength;
          if (size > MAX_OUTPUT_BYTES) stop(gitFailed(tree, call.what, 'fatal: the answer of the server is too long'));
          else output.push(chunk);
        });
        let errors = '';
        const showProgress = readProgress(call.onTask, call.onLog);
        const showErrors = (chunk: Buffer): void => {
          errors = (errors + chunk.toString('utf8')).slice(-MAX_ERROR_BYTES);
          showProgress(chunk);
        };
        // A server may say back what it was sent, and git prints what it says.
        const masker = createMasker(hidden);
        child.stderr.on('data', (chunk: Buffer) => {
          heard();
          showErrors(masker?.push(chunk) ?? chunk);
        });
        child.stderr.on('end', () => {
          if (masker !== undefined) showErrors(masker.end());
        });
        child.on('error', (error) => {
          failure ??= error;
        });
        child.on('close', (status) => {
          clearTimeout(silence);
          signal.removeEventListener('abort', onAbort);
          if (failure !== undefined) reject(failure);
          else if (status === 0) resolve(Buffer.concat(output).toString('utf8'));
          else if (status === NOT_FOUND && errors === '') reject(gitMissing());
          else reject(new GitFailure(gitFailed(tree, call.what, errors), errors));
        });
      });
    },
  };
}

/** git ended with an error; `said` is all that it printed, for those who know another way. */
export class GitFailure extends TsbuildError {
  readonly said: string;

  constructor(error: TsbuildError, said: string) {
    super(error.code, error.message, {
      ...(error.hint === undefined ? {} : { hint: error.hint }),
      details: error.details,
    });
    this.said = said;
  }
}
