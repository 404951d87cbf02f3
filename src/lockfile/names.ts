import { redactUrl } from '../remote-url/index.ts';

/** What a lock file calls a download. */
export function urlName(url: string): string {
  const hash = url.indexOf('#');
  return redactUrl(hash < 0 ? url : url.slice(0, hash));
}

/** What a lock file calls a ref of a repository: every directory and every way to check it out is of one commit. */
export function gitName(remote: string, ref: string | undefined): string {
  return redactUrl(remote) + (ref === undefined ? '' : `#${ref}`);
}
