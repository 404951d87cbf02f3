import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { BuildRequest } from '../build-types.ts';
import { type IgnoreLine, readIgnoreLines } from '../dockerfile/ignore/index.ts';
import { errorCode, errorMessage } from '../errors.ts';
import { ignoreUnreadable } from './context/errors.ts';
import type { TreeFile } from './context/tree-files.ts';
import { dockerfileMissing, dockerfileUnreadable } from './errors.ts';

/** The Dockerfile's text and what error frames call it. */
export interface DockerfileInput {
  readonly text: string;
  readonly fileName: string;
  /** Where it lies; `undefined` for a text without a file. */
  readonly path: string | undefined;
  /** Of one that lies in a fetched context: the file beside it whose name ends with `suffix`. */
  readonly readBeside?: (suffix: string, maxBytes: number) => TreeFile | undefined;
}

/** The patterns that a context's ignore file holds, and where it lies. */
export interface IgnoreInput {
  readonly patterns: readonly string[];
  /** The same with their lines. */
  readonly lines: readonly IgnoreLine[];
  readonly path: string | undefined;
  /** As people call it: `.dockerignore`, or `<Dockerfile>.dockerignore`. */
  readonly name: string;
}

/** A Dockerfile is text that people write; a larger file is something else that was named by mistake. */
export const MAX_DOCKERFILE_BYTES = 16 * 1024 * 1024;

/** Reads the Dockerfile of a request. Throws `DOCKERFILE_UNREADABLE`. */
export function readDockerfile(request: BuildRequest, context: string): DockerfileInput {
  if (request.dockerfileText !== undefined)
    return { text: request.dockerfileText, fileName: request.dockerfile ?? 'Dockerfile', path: undefined };
  const path = request.dockerfile === undefined ? findDockerfile(context) : resolve(request.dockerfile);
  return { text: readText(path, request.dockerfile, context), fileName: displayName(path), path };
}

/** As docker does: `dockerfile` where there is no `Dockerfile`. */
function findDockerfile(context: string): string {
  const [usual, lower] = [join(context, 'Dockerfile'), join(context, 'dockerfile')];
  return !existsSync(usual) && existsSync(lower) ? lower : usual;
}

/**
 * Finds the ignore file: `<name>.dockerignore` beside the Dockerfile wins over `.dockerignore` at the context's root.
 * Throws `IGNORE_FILE_INVALID`.
 */
export function readIgnore(dockerfile: DockerfileInput, context: string): IgnoreInput {
  const candidates = [join(context, '.dockerignore')];
  if (dockerfile.path !== undefined)
    candidates.unshift(join(dirname(dockerfile.path), `${basename(dockerfile.path)}.dockerignore`));
  return readFirstIgnore(candidates);
}

/** The ignore file of a build whose Dockerfile is only named. Throws `DOCKERFILE_UNREADABLE`, `IGNORE_FILE_INVALID`. */
export function readContextIgnore(dockerfile: string | undefined, context: string): IgnoreInput {
  const path = dockerfile === undefined ? findDockerfile(context) : resolve(dockerfile);
  if (dockerfile !== undefined && !existsSync(path))
    throw dockerfileMissing(path, hintMissing(dockerfile, context), undefined);
  return readIgnore({ text: '', fileName: path, path }, context);
}

/** The ignore file of a named context: the one at its root, whatever the Dockerfile. Throws `IGNORE_FILE_INVALID`. */
export function readNamedIgnore(directory: string): IgnoreInput {
  return readFirstIgnore([join(directory, '.dockerignore')]);
}

function readFirstIgnore(candidates: readonly string[]): IgnoreInput {
  for (const path of candidates) {
    let text: string;
    try {
      text = readTextFile(path, (why) => new Error(why));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') continue;
      throw ignoreUnreadable(path, error);
    }
    const lines = readIgnoreLines(text);
    return { patterns: lines.map((line) => line.pattern), lines, path, name: basename(path) };
  }
  return NO_IGNORE;
}

/** Nothing is left out. */
export const NO_IGNORE: IgnoreInput = { patterns: [], lines: [], path: undefined, name: '.dockerignore' };

function readText(path: string, given: string | undefined, context: string): string {
  try {
    return readTextFile(path, (why) => dockerfileUnreadable(path, why));
  } catch (error) {
    if (errorCode(error) === 'DOCKERFILE_UNREADABLE') throw error;
    if (errorCode(error) === 'ENOENT') throw dockerfileMissing(path, hintMissing(given, context), error);
    throw dockerfileUnreadable(path, errorMessage(error), error);
  }
}

/** A text of people's size. What is no file could be endless, or wait for ever; a shell's `<(…)` is a pipe that somebody writes. */
function readTextFile(path: string, refuse: (why: string) => Error): string {
  const stat = statSync(path);
  if (stat.isDirectory()) throw refuse('it is a directory');
  if (!stat.isFile() && !(stat.isFIFO() && path.startsWith('/dev/fd/'))) throw refuse('it is not a file');
  if (stat.size > MAX_DOCKERFILE_BYTES) throw refuse(`it has ${stat.size} bytes`);
  return readFileSync(path, 'utf8');
}

function hintMissing(given: string | undefined, context: string): string {
  if (given === undefined) return 'name another with -f, or give the directory that holds one';
  const inContext = join(context, given);
  if (existsSync(inContext)) return `did you mean -f ${displayName(inContext)}?`;
  return 'the path after -f is taken from the working directory, not from the context';
}

/** Relative to the working directory where that is shorter to read. */
function displayName(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || isAbsolute(near) ? path : near;
}
