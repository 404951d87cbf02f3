import { constants } from 'node:os';
import { formatPlatform, hostPlatform, type Platform } from '../oci/index.ts';

/** How a process of a RUN ended. */
export interface ProcessEnd {
  readonly args: readonly string[];
  readonly exitCode: number;
  /** What ended it, where it was the process itself and not one that it had started. */
  readonly signal?: string;
  readonly oomKilled: boolean;
  /** The end of what it printed. */
  readonly output: string;
  /** What the step is for. */
  readonly platform: Platform;
}

/** A shell answers 128 + n when what it ran was ended by signal n. */
const SIGNAL_BASE = 128;

/** The signal that ended the process or what it ran: `SIGKILL`. */
export function findSignal({ signal, exitCode }: Pick<ProcessEnd, 'signal' | 'exitCode'>): string | undefined {
  if (signal !== undefined) return signal;
  const number = exitCode - SIGNAL_BASE;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}

/** What to do about a process that failed, where its end or its last words tell. */
export function hintOf(end: ProcessEnd): string | undefined {
  if (end.oomKilled) return 'the kernel killed it for lack of memory: give the build more, or let it do less at once';
  if (/exec format error|built for another architecture/i.test(end.output)) return hintOfFormat(end.platform);
  if (end.exitCode === 127) return hintOfMissing(end);
  if (end.exitCode === 126)
    return 'it was found but may not be run: make it executable with RUN chmod +x or COPY --chmod=755';
  if (/no space left on device|disk quota exceeded/i.test(end.output)) return HINT_FULL;
  const signal = findSignal(end);
  if (signal === undefined) return undefined;
  if (signal === 'SIGKILL') return 'something killed it (SIGKILL): most often the kernel for lack of memory, see dmesg';
  if (signal === 'SIGPIPE') return 'it wrote into a pipe that nobody read any more (SIGPIPE)';
  const crashed = ['SIGSEGV', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGABRT', 'SIGTRAP', 'SIGSYS'].includes(signal);
  return crashed ? `a program crashed (${signal})` : `a program was ended by ${signal}`;
}

const HINT_FULL =
  'a disk is full: the one of the store (tsbuild prune frees some of it, --root names another), or a tmpfs of the step';

function hintOfFormat(platform: Platform): string {
  const [wanted, own] = [formatPlatform(platform), formatPlatform(hostPlatform())];
  return wanted === own
    ? `check that the program is built for ${own}; a script has to begin with #! and its interpreter`
    : `the step is for ${wanted}, this machine is ${own}: install an emulator (qemu-user with binfmt_misc), or build for ${own}`;
}

function hintOfMissing({ args, output }: ProcessEnd): string {
  if (/the interpreter or loader that it names does not/.test(output))
    return 'a script names its interpreter after #!; a program may be for another C library than the image has (glibc, musl)';
  const started = /^tsbuild: cannot run "(.+?)"/m.exec(output)?.[1];
  if (started !== undefined && args[1] === '-c')
    return `the image has no shell ${started}: write RUN ["program", "argument"], or choose a base or a SHELL that is there`;
  const name = started ?? /^(?:.*: )?([^\s:]+): (?:command )?not found$/m.exec(output)?.[1];
  return `${name === undefined ? 'a command' : name} is not in the image: install it in an earlier step, or check the spelling and PATH`;
}
