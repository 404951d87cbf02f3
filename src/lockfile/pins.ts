import { notLocked } from './errors.ts';
import { gitName, urlName } from './names.ts';
import type { Lockfile, Pins } from './types.ts';

/**
 * The pins of a lock file. With `strict` what it has not is refused, but for `except`: names that the command line gives and no Dockerfile.
 * Throws `LOCK_MISSING`.
 */
export function createPins(
  lock: Lockfile,
  {
    path,
    strict,
    except = [],
  }: { readonly path: string; readonly strict: boolean; readonly except?: readonly string[] },
): Pins {
  const args = [...lock.args].map(([name, value]) => `--build-arg ${name}=${value}`).join(' ');
  const find = <T>(kind: 'image' | 'url' | 'git', pins: ReadonlyMap<string, T>, name: string): T | undefined => {
    const pin = pins.get(name);
    if (pin === undefined && strict && !except.includes(name)) throw notLocked(kind, name, path, args);
    return pin;
  };
  return {
    image: (reference) => find('image', lock.images, reference),
    url: (url) => find('url', lock.urls, urlName(url)),
    git: (remote, ref) => find('git', lock.git, gitName(remote, ref)),
  };
}
