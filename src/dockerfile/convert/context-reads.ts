import { fileState, type State, sourceState } from '../../llb/index.ts';
import type { ConvertRequest, SourceContext, UsedContext } from './types.ts';

/** Keeps one source state for each context, and what steps read of the local ones. */
export class ContextReads {
  readonly #request: Pick<ConvertRequest, 'mainContext'>;
  readonly #states = new Map<string, State>();
  readonly #paths = new Map<string, Set<string> | undefined>();

  constructor(request: Pick<ConvertRequest, 'mainContext'>) {
    this.#request = request;
  }

  /** The tree of a local context; `context` is the main one, wherever that is. */
  state(name: string): State {
    let state = this.#states.get(name);
    if (state === undefined) {
      const remote = name === 'context' ? this.#request.mainContext : undefined;
      state = remote === undefined ? localState(name) : remoteState(remote);
      this.#states.set(name, state);
    }
    return state;
  }

  /** A tree of the build's own that holds what a local context does: something is to stand on it. */
  copy(name: string): State {
    const copy = { ...TAKE, src: '/', dest: '/', dirCopyContents: true, attemptUnpack: false };
    return fileState([this.state(name)], -1, [copy], { name: `[context ${name}] copy` });
  }

  /** A step reads this path, or pattern, of it; `/` is all of it. */
  read(name: string, path: string): void {
    if (name === 'context' && this.#request.mainContext !== undefined) return;
    if (path === '/') this.#paths.set(name, undefined);
    else if (!this.#paths.has(name)) this.#paths.set(name, new Set([path]));
    else this.#paths.get(name)?.add(path);
  }

  list(): UsedContext[] {
    return [...this.#paths].map(([name, paths]) => ({
      name,
      identifier: `local://${name}`,
      ignoreFile: true,
      paths: paths === undefined ? undefined : [...paths].sort(),
    }));
  }
}

function localState(name: string): State {
  const title = name === 'context' ? '[internal] load build context' : `[context ${name}] load from client`;
  return sourceState({ identifier: `local://${name}`, attrs: {} }, { name: title });
}

/** The tree of a context that is fetched. An archive is unpacked by content, as ADD does; another file is there as it is. */
export function remoteState({ identifier, attrs, title, archive }: SourceContext): State {
  const source = sourceState({ identifier, attrs }, { name: title });
  if (archive === undefined) return source;
  const unpack = { ...TAKE, src: archive, dest: '/', dirCopyContents: false, attemptUnpack: true };
  return fileState([source], -1, [unpack], { name: `copy ${archive} /` });
}

/** A copy of what is named, and of nothing else. */
const TAKE = {
  type: 'copy',
  input: 0,
  followSymlinks: false,
  allowWildcard: false,
  allowEmptyWildcard: false,
  createDestPath: false,
} as const;
