import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { BuildRequest } from '../build-types.ts';
import { readIgnoreLines } from '../dockerfile/ignore/index.ts';
import { errorCode, errorMessage } from '../errors.ts';
import { contextUnreadable, dockerfileUnreadable } from './errors.ts';

/** The Dockerfile's text and what error frames call it. */
export interface DockerfileInput {
  readonly text: string;
  readonly fileName: string;
  /** Where it lies; `undefined` for a text without a file. */
  readonly path: string | undefined;
}

/** The patterns that a context's ignore file holds, and where it lies. */
export interface IgnoreInput {
  readonly patterns: readonly string[];
  readonly path: string | undefined;
}

/** A Dockerfile is text that people write; a larger file is something else that was named by mistake. */
const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

/** Throws `CONTEXT_UNREADABLE`. */
export function checkContext(directory: string): string {
  const path = resolve(directory);
  try {
    if (!statSync(path).isDirectory()) throw contextUnreadable(path, 'it is not a directory');
  } catch (error) {
    if (errorCode(error) === 'CONTEXT_UNREADABLE') throw error;
    throw contextUnreadable(path, errorMessage(error), error);
  }
  return path;
}

/** Reads the Dockerfile of a request. Throws `DOCKERFILE_UNREADABLE`. */
export function readDockerfile(request: BuildRequest, context: string): DockerfileInput {
  if (request.dockerfileText !== undefined)
    return { text: request.dockerfileText, fileName: request.dockerfile ?? 'Dockerfile', path: undefined };
  const path = request.dockerfile === undefined ? join(context, 'Dockerfile') : resolve(request.dockerfile);
  return { text: readText(path, request.dockerfile === undefined), fileName: displayName(path), path };
}

/**
 * Finds the ignore file: `<name>.dockerignore` beside the Dockerfile wins over `.dockerignore` at the context's root.
 * Throws `IGNORE_FILE_INVALID`.
 */
export function readIgnore(dockerfile: DockerfileInput, context: string): IgnoreInput {
  const candidates = [join(context, '.dockerignore')];
  if (dockerfile.path !== undefined)
    candidates.unshift(join(dirname(dockerfile.path), `${basename(dockerfile.path)}.dockerignore`));
  for (const path of candidates) {
    let text: string;
    try {
      text = readFileSync(path, 'utf8');
    } catch (error) {
      if (errorCode(error) === 'ENOENT') continue;
      throw contextUnreadable(path, errorMessage(error), error);
    }
    return { patterns: readIgnoreLines(text).map((line) => line.pattern), path };
  }
  return { patterns: [], path: undefined };
}

function readText(path: string, implied: boolean): string {
  try {
    const { size } = statSync(path);
    if (size > MAX_DOCKERFILE_BYTES) throw dockerfileUnreadable(path, `it has ${size} bytes`, implied);
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'DOCKERFILE_UNREADABLE') throw error;
    throw dockerfileUnreadable(path, errorMessage(error), implied, error);
  }
}

/** Relative to the working directory where that is shorter to read. */
function displayName(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || isAbsolute(near) ? path : near;
}
