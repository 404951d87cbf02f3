import { looksLikeArchive } from '../../build/context/archive-magic.ts';
import type { BuildRequest } from '../../build-types.ts';
import type { Context } from '../context.ts';
import { MAX_INPUT_BYTES, readStandardInput } from '../standard-input.ts';
import { usageError } from '../usage-errors.ts';

type Inputs = Pick<BuildRequest, 'context' | 'contextStream' | 'dockerfile' | 'dockerfileText'>;

/** What PATH and `-f` mean; `-` is standard input, which can be one of them. Throws `USAGE`. */
export async function readInputs(context: Context, path: string, file: string | undefined): Promise<Inputs> {
  if (path === '-') {
    if (file === '-')
      throw usageError(
        'standard input cannot be both the build context and the Dockerfile',
        'leave out -f: a Dockerfile on standard input is built without a context',
      );
    checkRedirected(context, 'the build context', '< Dockerfile, or "tar c . | tsbuild build -"');
    return { context: '-', contextStream: context.stdin, ...(file === undefined ? {} : { dockerfile: file }) };
  }
  if (file === '-') return { context: path, dockerfileText: await readDockerfile(context) };
  return { context: path, ...(file === undefined ? {} : { dockerfile: file }) };
}

/** The Dockerfile from standard input. */
async function readDockerfile(context: Context): Promise<string> {
  checkRedirected(context, 'the Dockerfile', '< Dockerfile');
  const content = await readStandardInput(context);
  if (content === undefined) throw usageError(`a Dockerfile of more than ${MAX_INPUT_BYTES} bytes on standard input`);
  if (looksLikeArchive(content))
    throw usageError(
      '-f -: standard input is an archive, not a Dockerfile',
      'give "-" as the context to build from it',
    );
  return content.toString('utf8');
}

function checkRedirected({ stdin }: Context, what: string, how: string): void {
  if (stdin.isTTY)
    throw usageError(`${what} is to come from standard input, which is the terminal`, `redirect it: ${how}`);
}
