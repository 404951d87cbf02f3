import type { Requester } from './requester.ts';

/** What each operation on a repository needs. */
export interface RepositoryContext {
  readonly domain: string;
  readonly path: string;
  readonly requester: Requester;
  /** Attempts of a whole transfer, the first included. */
  readonly maxAttempts: number;
  /** The address of `rest` under `/v2/<path>/`. */
  readonly url: (rest: string) => URL;
}
