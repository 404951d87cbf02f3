import { type State, sourceState } from '../../llb/index.ts';
import type { UsedContext } from './types.ts';

/** Keeps one source state for each local context, and what steps read of it. */
export class ContextReads {
  readonly #states = new Map<string, State>();
  readonly #paths = new Map<string, Set<string> | undefined>();

  /** The tree of a context; `context` is the main one. */
  state(name: string): State {
    let state = this.#states.get(name);
    if (state === undefined) {
      const title = name === 'context' ? '[internal] load build context' : `[context ${name}] load from client`;
      state = sourceState({ identifier: `local://${name}`, attrs: {} }, { name: title });
      this.#states.set(name, state);
    }
    return state;
  }

  /** A step reads this path, or pattern, of it; `/` is all of it. */
  read(name: string, path: string): void {
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
