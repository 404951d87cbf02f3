import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { BuildRequest } from '../../build-types.ts';
import { errorCode, errorMessage } from '../../errors.ts';
import { type GitUrl, isHttpUrl, parseGitUrl } from '../../remote-url/index.ts';
import { contextUnreadable } from './errors.ts';

/** What a main context is, by how it is written. Nothing is fetched to find out. */
export type MainSpec =
  | { readonly type: 'directory'; readonly path: string }
  | { readonly type: 'stream'; readonly stream: Readable }
  | RemoteSpec;

/** A context that is fetched. `text` is how the user wrote it. */
export type RemoteSpec =
  | { readonly type: 'git'; readonly text: string; readonly url: GitUrl }
  | { readonly type: 'http'; readonly text: string };

/** Throws `CONTEXT_UNREADABLE`, `GIT_URL_INVALID`. */
export function readMainSpec(request: Pick<BuildRequest, 'context' | 'contextStream'>): MainSpec {
  const { context, contextStream } = request;
  if (contextStream !== undefined) return { type: 'stream', stream: contextStream };
  // The working directory is what an empty variable of a script would silently name.
  if (typeof context !== 'string' || context === '') throw contextUnreadable('""', 'the path is empty');
  return isDirectory(context) ? directorySpec(context) : (remoteSpec(context) ?? directorySpec(context));
}

/** A git repository or a download; `undefined` for what is written like neither. Throws `GIT_URL_INVALID`. */
export function remoteSpec(text: string): RemoteSpec | undefined {
  const url = parseGitUrl(text);
  if (url !== undefined) return { type: 'git', text, url };
  return isHttpUrl(text) ? { type: 'http', text } : undefined;
}

/** `shown` is what messages call it. Throws `CONTEXT_UNREADABLE`. */
export function directorySpec(
  directory: string,
  shown = resolve(directory),
  hint?: string,
): MainSpec & { readonly type: 'directory' } {
  const path = resolve(directory);
  let why = 'it is not a directory';
  let cause: unknown;
  try {
    if (statSync(path).isDirectory()) return { type: 'directory', path };
  } catch (error) {
    why = errorCode(error) === 'ENOENT' ? 'it does not exist' : errorMessage(error);
    cause = error;
  }
  throw contextUnreadable(shown, why, cause, hint);
}

/** One that is there wins over a URL that is written alike: `github.com/user` may be a directory. */
export function isDirectory(path: string): boolean {
  try {
    return statSync(resolve(path)).isDirectory();
  } catch {
    return false;
  }
}
