import type { BuildRequest } from '../../build-types.ts';
import type { MetaResolver } from '../../dockerfile/convert/index.ts';
import { formatPlatform, type Platform } from '../../oci/index.ts';
import { redactUrls } from '../../remote-url/index.ts';
import { discoverNames } from '../remote/lock-names.ts';
import { placeholder } from '../remote/tolerant-resolver.ts';
import type { LockDraft } from './draft.ts';
import { type LockPlaces, lockConversion } from './places.ts';

/**
 * The build arguments without which other things would be named. The others, secrets perhaps, are nobody's business, nor are the
 * credentials of a URL that a value holds. Asks no server: an image
 * that only another argument names is taken for an empty one.
 */
export async function findDecidingArgs(
  opened: LockPlaces,
  request: BuildRequest,
  platforms: readonly Platform[],
  inner: MetaResolver,
  { seen }: LockDraft,
): Promise<ReadonlyMap<string, string>> {
  const [platform] = platforms;
  const args = Object.entries(request.buildArgs ?? {});
  if (platform === undefined || args.length === 0) return new Map();
  const meta: MetaResolver = {
    resolveImageConfig: async (reference, wanted, options) =>
      seen.has(`${reference} ${formatPlatform(wanted)}`)
        ? await inner.resolveImageConfig(reference, wanted, options)
        : placeholder(reference, wanted),
    resolveLayoutConfig: (name, wanted, options) => inner.resolveLayoutConfig(name, wanted, options),
  };
  const namesWith = async (buildArgs: Readonly<Record<string, string>>): Promise<string> => {
    const conversion = lockConversion(opened, { ...request, buildArgs }, platform, meta);
    const inputs = await discoverNames(conversion, opened.except);
    return [...new Set(inputs.map(({ kind, name }) => `${kind} ${name}`))].sort().join('\n');
  };
  const all = await namesWith(Object.fromEntries(args));
  const deciding = new Map<string, string>();
  for (const [name, value] of args) {
    // A file that cannot be read without it depends on it too.
    const without = await namesWith(Object.fromEntries(args.filter(([other]) => other !== name))).catch(
      () => undefined,
    );
    opened.signal.throwIfAborted();
    if (without !== all) deciding.set(name, redactUrls(value));
  }
  return deciding;
}
