import type { GitPin } from '../../lockfile/index.ts';
import type { SourceOptions } from '../types.ts';
import { commitMismatch, refNotFound } from './errors.ts';
import { type GitTree, isCommit } from './git-op.ts';
import type { GitProgram } from './program.ts';

/** What a ref leads to at this moment. */
export interface PinnedTree {
  readonly commit: string;
  /** The object that is fetched: the commit, or an annotated tag that leads to it. */
  readonly object: string;
  /** The whole name, `refs/heads/main`; `undefined` for a commit that was named itself. */
  readonly ref: string | undefined;
}

/** A commit that is named whole needs no look at the server. Throws `GIT_CHECKSUM_MISMATCH`. */
export function pinCommit(tree: GitTree): PinnedTree | undefined {
  const { ref, checksum, fetchByCommit } = tree;
  const commit = fetchByCommit && checksum !== undefined && isCommit(checksum) ? checksum : ref;
  if (commit === undefined || !isCommit(commit)) return undefined;
  if (checksum !== undefined && !commit.startsWith(checksum)) throw commitMismatch(tree, checksum, [commit]);
  return { commit, object: commit, ref: undefined };
}

/** What a lock file says that a ref is. Throws `GIT_CHECKSUM_MISMATCH` where the Dockerfile says that it is something else. */
export function pinLocked(tree: GitTree, { commit, tag, ref }: GitPin): PinnedTree {
  const object = tag ?? commit;
  const { checksum } = tree;
  if (checksum !== undefined && !object.startsWith(checksum) && !commit.startsWith(checksum))
    throw commitMismatch(tree, checksum, [...new Set([object, commit])]);
  return { commit, object, ref };
}

/**
 * Asks the server what the ref is: `refs/<name>` as written, else a branch, else a tag, as git itself chooses. Throws
 * `GIT_REF_NOT_FOUND`, `GIT_CHECKSUM_MISMATCH`, and what the server or the network fails with.
 */
export async function pinRef(tree: GitTree, git: GitProgram, options: SourceOptions): Promise<PinnedTree> {
  const { ref, remote, checksum } = tree;
  const patterns = ref === undefined ? ['HEAD'] : [ref, `${ref}^{}`];
  const text = await git.run(['ls-remote', '--symref', '--', remote, ...patterns], {
    what: 'read the refs of',
    remote: true,
    ...options,
  });
  const found = new Map<string, string>();
  let head: string | undefined;
  for (const line of text.split('\n')) {
    const [value = '', name = ''] = line.split('\t');
    if (value.startsWith('ref: ') && name === 'HEAD') head = value.slice('ref: '.length);
    else if (isCommit(value)) found.set(name, value);
  }
  const name = ref === undefined ? 'HEAD' : namesOf(ref).find((each) => found.has(each));
  const object = name === undefined ? undefined : found.get(name);
  if (name === undefined || object === undefined) throw refNotFound(tree);
  const commit = found.get(`${name}^{}`) ?? object;
  if (checksum !== undefined && !object.startsWith(checksum) && !commit.startsWith(checksum))
    throw commitMismatch(tree, checksum, [...new Set([object, commit])]);
  return { commit, object, ref: ref === undefined ? (head ?? name) : name };
}

function namesOf(ref: string): readonly string[] {
  const strip = (prefix: string): string => (ref.startsWith(prefix) ? ref.slice(prefix.length) : ref);
  return [`refs/${strip('refs/')}`, `refs/heads/${strip('refs/heads/')}`, `refs/tags/${strip('refs/tags/')}`];
}
