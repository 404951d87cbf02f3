import type { RunInstruction } from '../../instructions/index.ts';
import type { Linter } from '../linter.ts';
import { listShellCommands, type ShellCommand } from '../shell-commands.ts';
import type { Rule } from '../types.ts';

export const AptGetWithoutYes: Rule = {
  name: 'AptGetWithoutYes',
  description: 'apt-get is told not to ask: nobody is there to answer, and it gives up',
  own: true,
};

/** What may ask before it does something. */
const ASKING = new Set([
  'autopurge',
  'autoremove',
  'build-dep',
  'dist-upgrade',
  'full-upgrade',
  'install',
  'purge',
  'remove',
  'upgrade',
]);
/** -y, also among other letters; two q mean it too; the last two kinds change nothing. */
const ANSWERED =
  /^(?:-[a-zA-Z]*y|-[a-zA-Z]*q[a-zA-Z]*q|--yes$|--assume-yes$|--force-yes$|-q=2$|--quiet=2$|-[a-zA-Z]*s|--(?:simulate|dry-run|just-print|no-act|recon)$|--assume-no$|--print-uris$)/;

/** Looks for the configuration that does for all calls what `-y` does for one. */
export function answersAlways(texts: readonly string[]): boolean {
  return texts.some((text) => /Assume-Yes|APT_CONFIG/i.test(text));
}

export function checkAptGet(lint: Linter, { node }: RunInstruction): void {
  for (const command of listShellCommands(node)) {
    const what = findQuestion(command);
    if (what === undefined) continue;
    const message = `${what} asks, and without an answer it gives up; add -y`;
    lint.warn(AptGetWithoutYes, message, command.range);
  }
}

function findQuestion({ words, isPiped }: ShellCommand): string | undefined {
  const [program = '', ...args] = words;
  if (program !== 'apt-get' && program !== 'apt') return undefined;
  // Something else answers, or may be -y.
  if (isPiped || args.some((arg) => ANSWERED.test(arg) || arg.includes('$') || arg === '<')) return undefined;
  const verb = args.find((arg) => ASKING.has(arg));
  return verb === undefined ? undefined : `${program} ${verb}`;
}
