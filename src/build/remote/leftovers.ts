import type { MetaResolver, ResolvedImage } from '../../dockerfile/convert/index.ts';
import { findDrift, type LockEntry, type Lockfile } from '../../lockfile/index.ts';
import { formatPlatform, parsePlatform } from '../../oci/index.ts';
import type { ConversionInput } from '../convert.ts';
import { discoverNames, toLockNames } from './lock-names.ts';
import { placeholder } from './tolerant-resolver.ts';

/**
 * What the lock file of a build has and its Dockerfile does not name, for none of the platforms that were locked. Asks nobody: `known` is what
 * the build has resolved already. A build with other arguments than those that were locked names other things: nothing is said of it.
 */
export async function findLeftovers(
  conversion: ConversionInput,
  lock: Lockfile,
  known: ReadonlyMap<string, ResolvedImage>,
): Promise<readonly LockEntry[]> {
  const { buildArgs = {} } = conversion.request;
  if ([...lock.args].some(([name, value]) => buildArgs[name] !== value)) return [];
  const meta: MetaResolver = {
    resolveImageConfig: async (reference, platform) =>
      known.get(`${reference} ${formatPlatform(platform)}`) ?? placeholder(reference, platform),
    resolveLayoutConfig: (...args) => conversion.meta.resolveLayoutConfig(...args),
  };
  const inputs: LockEntry[] = [];
  for (const text of lock.platforms) {
    const { target: _, ...request } = conversion.request;
    const { target } = lock;
    const all = { ...request, platform: parsePlatform(text), ...(target === undefined ? {} : { target }) };
    const asked = { ...conversion, request: all, meta, onWarning: () => {}, allStages: target === undefined };
    inputs.push(...(await discoverNames(asked, [])));
  }
  return findDrift(lock, toLockNames(inputs)).leftovers;
}
