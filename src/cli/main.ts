import { VERSION } from '../version.ts';
import type { Context } from './context.ts';
import { ExitCode, exitCodeOf, isBrokenPipe, ReportedFailure } from './exit-codes.ts';
import { loadLibrary } from './library.ts';
import { parseRoute, type Route } from './route.ts';
import { guardPipes, type Interruption, settlePipes, watchSignals } from './signals.ts';
import { usageError } from './usage-errors.ts';

guardPipes();
const interruption = watchSignals();
void main(process.argv.slice(2), interruption).then(async (code) => {
  // What has been written is out: pipes, files and terminals are written synchronously. Idle connections must not delay the end.
  await settlePipes();
  process.exit(code);
});

async function main(argv: readonly string[], interruption: Interruption): Promise<number> {
  let debug = argv.includes('-D') || argv.includes('--debug');
  try {
    const route = parseRoute(argv);
    debug ||= route.debug;
    if (route.version) process.stdout.write(`tsbuild version ${VERSION}\n`);
    else await run(route, interruption.signal);
    return 0;
  } catch (error) {
    if (error instanceof ReportedFailure) return ExitCode.failed;
    const interrupted = interruption.exitCode();
    if (interrupted !== undefined) {
      process.stderr.write('canceled\n');
      return interrupted;
    }
    // Nobody is there to be told.
    if (isBrokenPipe(error)) return ExitCode.brokenPipe;
    const [{ formatError }, { usesColour }] = await Promise.all([
      import('./errors.ts'),
      import('../progress/display.ts'),
    ]);
    const colour = process.stderr.isTTY === true && usesColour(process.env);
    process.stderr.write(formatError(error, { debug, colour }));
    return exitCodeOf(error);
  }
}

async function run(route: Route, signal: AbortSignal): Promise<void> {
  if (route.entry === undefined) {
    const { formatOverview } = await import('./commands/help.ts');
    process.stdout.write(formatOverview(route.name));
    return;
  }
  const [{ command }, { parseCommand }] = await Promise.all([route.entry.load(), import('./parse.ts')]);
  const spec = { ...command, name: route.name };
  const { args, flags } = parseCommand(spec, route.help ? ['--help'] : route.args);
  if (flags.help === true) {
    const { formatCommandHelp } = await import('./help-text.ts');
    process.stdout.write(formatCommandHelp(spec));
    return;
  }
  const root = (flags.root as string | undefined) ?? route.root;
  // It would be the working directory.
  if (root === '') throw usageError('--root needs a directory', 'leave it out for the default one');
  const context: Context = {
    env: process.env,
    // Node opens standard input when it is first looked at.
    get stdin() {
      return process.stdin;
    },
    stdout: process.stdout,
    stderr: process.stderr,
    signal,
    root,
    debug: route.debug || flags.debug === true,
    library: loadLibrary,
  };
  await command.run(context, args, flags as never);
}
