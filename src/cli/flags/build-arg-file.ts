import { readFileSync, statSync } from 'node:fs';
import { errorCode, errorMessage } from '../../errors.ts';
import { invalidFlag } from '../usage-errors.ts';

/** A list of arguments is text that people write; a larger file is something else that was named by mistake. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * Reads `--build-arg-file` as buildah does: on each line `NAME=value`, or `NAME` alone for the value in the environment; empty
 * lines and lines that begin with `#` say nothing. The values as `--build-arg` takes them. Throws `FLAG_INVALID` with the line.
 */
export function readBuildArgFiles(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    const lines = readText(path)
      .replace(/^\ufeff/, '')
      .split('\n');
    return lines.flatMap((text, index) => readLine(path, index + 1, text.replace(/\r$/, '')));
  });
}

function readLine(path: string, number: number, line: string): readonly string[] {
  if (line.trim() === '' || line.startsWith('#')) return [];
  const name = line.split('=', 1)[0] ?? '';
  const why =
    name === ''
      ? 'there is no name before the ='
      : /\s/.test(name)
        ? `the name ${JSON.stringify(name)} has white space in it`
        : line.includes('\0')
          ? 'there is a zero byte in it'
          : undefined;
  if (why === undefined) return [line];
  throw invalidFlag(
    '--build-arg-file',
    `${path}:${number}`,
    why,
    'a line is NAME=value, NAME alone, or # and a comment',
  );
}

function readText(path: string): string {
  try {
    if (statSync(path).size > MAX_BYTES) throw tooLarge(path);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'FLAG_INVALID') throw error;
    const why = errorCode(error) === 'ENOENT' ? 'there is no such file' : errorMessage(error);
    throw invalidFlag('--build-arg-file', path, why, undefined, error);
  }
}

function tooLarge(path: string): Error {
  return invalidFlag('--build-arg-file', path, 'it is larger than 16 MiB, which no list of arguments is');
}
