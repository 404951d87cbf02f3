import { suggest } from '../suggest.ts';
import { gitUrlInvalid } from './errors.ts';
import type { GitOptions } from './git-url.ts';

const KEYS = [
  'ref',
  'tag',
  'branch',
  'subdir',
  'checksum',
  'commit',
  'keep-git-dir',
  'submodules',
  'mtime',
  'fetch-by-commit',
];
/** Those that mean `true` without a value. */
const SWITCHES = new Set(['keep-git-dir', 'submodules', 'fetch-by-commit']);

/** Reads `#ref:subdir` and the query of a git URL; the two must not contradict each other. Throws `GIT_URL_INVALID`. */
export function parseGitOptions(url: string, query: string, fragment: string): GitOptions {
  const values = readQuery(url, query);
  const colon = fragment.indexOf(':');
  const merge = (what: string, one: string | undefined, other: string | undefined): string | undefined => {
    if (one && other && one !== other)
      throw gitUrlInvalid(url, `it names two of ${what}: ${JSON.stringify(one)} and ${JSON.stringify(other)}`);
    return one || other || undefined;
  };
  const bool = (key: string): boolean | undefined => {
    const value = values.get(key);
    return value === undefined ? undefined : parseBool(url, key, value);
  };
  const qualify = (key: string, prefix: string): string | undefined => {
    const name = values.get(key);
    return name === undefined || name.startsWith(prefix) ? name : prefix + name;
  };

  if (values.has('tag') && values.has('branch')) throw gitUrlInvalid(url, 'it names a branch and a tag');
  const checksum = merge('checksum', values.get('checksum'), values.get('commit'));
  const written = merge('ref', colon < 0 ? fragment : fragment.slice(0, colon), values.get('ref'));
  const named = qualify('tag', 'refs/tags/') ?? qualify('branch', 'refs/heads/');
  const ref = merge('ref', written, named) ?? checksum;
  const subdir = merge('subdir', colon < 0 ? '' : fragment.slice(colon + 1), values.get('subdir'));
  const mtime = values.get('mtime');
  if (mtime !== undefined && mtime !== 'checkout' && mtime !== 'commit')
    throw gitUrlInvalid(url, `mtime=${mtime} is neither checkout nor commit`);
  const fetchByCommit = bool('fetch-by-commit');
  if (fetchByCommit && checksum === undefined)
    throw gitUrlInvalid(url, 'fetch-by-commit needs a commit', 'add checksum=<the whole commit> to the query');
  if (checksum !== undefined && !/^[0-9a-fA-F]{1,64}$/.test(checksum))
    throw gitUrlInvalid(
      url,
      `the checksum ${JSON.stringify(checksum)} is no commit`,
      'a commit has hexadecimal digits',
    );
  if (ref !== undefined) checkRef(url, ref);
  const [keepGitDir, submodules] = [bool('keep-git-dir'), bool('submodules')];
  return {
    ...(ref === undefined ? {} : { ref }),
    ...(subdir === undefined ? {} : { subdir }),
    ...(checksum === undefined ? {} : { checksum }),
    ...(keepGitDir === undefined ? {} : { keepGitDir }),
    ...(submodules === undefined ? {} : { submodules }),
    ...(mtime === undefined ? {} : { mtime }),
    ...(fetchByCommit === undefined ? {} : { fetchByCommit }),
  };
}

function readQuery(url: string, query: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [key, value] of new URLSearchParams(query)) {
    if (!KEYS.includes(key)) {
      const near = suggest(key, KEYS);
      throw gitUrlInvalid(
        url,
        `a git URL has no option ${JSON.stringify(key)}`,
        near === undefined ? `the options are ${KEYS.join(', ')}` : `did you mean ${near}?`,
      );
    }
    if (values.has(key)) throw gitUrlInvalid(url, `the option ${key} is there twice`);
    if (value === '' && !SWITCHES.has(key)) throw gitUrlInvalid(url, `the option ${key} has no value`);
    values.set(key, value);
  }
  return values;
}

function parseBool(url: string, key: string, value: string): boolean {
  if (value === '' || /^(?:1|t|T|TRUE|true|True)$/.test(value)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false;
  throw gitUrlInvalid(url, `${key}=${value} is neither true nor false`);
}

/** By git-check-ref-format(1); and nothing that a program could take for an option or a refspec. */
function checkRef(url: string, ref: string): void {
  if (/^[-+]|[\s\p{Cc}~^:?*[\\]|\.\.|@\{|\/\/|\/$|^\/|\.$|\.lock(?:\/|$)/u.test(ref) || ref.length > 1024)
    throw gitUrlInvalid(url, `${JSON.stringify(ref)} is no ref`, 'name a branch, a tag or a whole commit');
}
