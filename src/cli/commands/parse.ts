import { readFileSync, statSync } from 'node:fs';
import type { Diagnostic } from '../../dockerfile/parser/index.ts';
import { errorCode, errorMessage, TsbuildError } from '../../errors.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, printLine } from '../context.ts';
import { formatInstruction, type ParsedInstruction, showInstruction } from '../format/instruction.ts';
import { formatJson } from '../format/json.ts';
import type { Library } from '../library.ts';
import { MAX_INPUT_BYTES, readStandardInput } from '../standard-input.ts';

interface ParseFlags {
  readonly json?: boolean;
}

/** A file that is no Dockerfile has a mistake in every line. */
const MAX_SHOWN = 50;

export const command: CommandSpec<ParseFlags> = {
  name: 'parse',
  usage: '[OPTIONS] FILE | -',
  summary: 'Show the instructions of a Dockerfile as they are understood',
  examples: [
    'tsbuild parse Dockerfile                                      list the instructions',
    "tsbuild parse --json Dockerfile | jq '.[] | select(.json)'    those in exec form",
  ],
  options: [{ flags: '--json', description: 'Print an array of instructions with their places' }],
  minArgs: 1,
  maxArgs: 1,
  completes: 'file',
  async run(context, [file = ''], flags) {
    const [library, source] = await Promise.all([context.library(), readSource(context, file)]);
    const name = file === '-' ? '<stdin>' : file;
    const { ast, diagnostics } = library.parseDockerfile(source);
    const errors = diagnostics.filter(({ severity }) => severity === 'error');
    const { formatError } = await import('../errors.ts');
    const last = errors.pop();
    // The last error ends the command as any other would; those before it are told in the same words.
    for (const diagnostic of errors.slice(0, MAX_SHOWN)) {
      const error = locate(library, diagnostic, name, source);
      context.stderr.write(`${formatError(error, { debug: context.debug, colour: false })}\n`);
    }
    if (errors.length > MAX_SHOWN) context.stderr.write(`\u2026 and ${errors.length - MAX_SHOWN} more\n\n`);
    if (last !== undefined) throw locate(library, last, name, source);
    for (const { code, message, range } of diagnostics)
      context.stderr.write(`WARNING: ${code}: ${message} (${name}:${range.start.line})\n`);
    const instructions = ast.instructions.map(showInstruction);
    if (flags.json) printLine(context, formatInstructions(instructions));
    else context.stdout.write(instructions.map(formatInstruction).join(''));
  },
};

/** One instruction a line: to be read by programs, and compared by people. */
function formatInstructions(instructions: readonly ParsedInstruction[]): string {
  return `[\n${instructions.map((instruction) => `  ${formatJson(instruction)}`).join(',\n')}\n]`;
}

function locate(library: Library, diagnostic: Diagnostic, file: string, source: string): Error {
  const { code, message, range, hint } = diagnostic;
  return new library.DockerfileError(code, message, { range, file, source, ...(hint === undefined ? {} : { hint }) });
}

async function readSource(context: Context, file: string): Promise<string> {
  if (file === '-') return await readStdin(context);
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) throw unreadable(file, 'it is a directory');
    if (stat.size > MAX_INPUT_BYTES) throw unreadable(file, `it has ${stat.size} bytes`);
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'DOCKERFILE_UNREADABLE') throw error;
    throw unreadable(file, errorCode(error) === 'ENOENT' ? 'it does not exist' : errorMessage(error), error);
  }
}

async function readStdin(context: Context): Promise<string> {
  const content = await readStandardInput(context);
  if (content === undefined) throw unreadable('<stdin>', `it has more than ${MAX_INPUT_BYTES} bytes`);
  return content.toString('utf8');
}

function unreadable(file: string, why: string, cause?: unknown): TsbuildError {
  return new TsbuildError('DOCKERFILE_UNREADABLE', `cannot read the Dockerfile ${file}: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    hint: 'give the path of a Dockerfile, or "-" for standard input',
    details: { path: file },
  });
}
