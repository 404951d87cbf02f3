import type { ConvertResult, MetaResolver } from '../../dockerfile/convert/index.ts';
import type { SourceRange } from '../../dockerfile/position.ts';
import { gitName, type LockEntry, type LockNames, urlName } from '../../lockfile/index.ts';
import { formatPlatform } from '../../oci/index.ts';
import { type ConversionInput, convertDockerfile } from '../convert.ts';
import { listRemoteSources, type PlacedSource } from './sources.ts';
import { placeholder } from './tolerant-resolver.ts';

/** One remote input that a Dockerfile names and does not pin. */
export interface NamedInput extends LockEntry {
  /** Of an image. */
  readonly platform?: string;
  readonly range?: SourceRange;
}

/** Everything that a conversion names. `except` is what the command line names: the context itself. */
export async function listSourceInputs(
  converted: Pick<ConvertResult, 'listDefinitions'>,
  except: readonly string[],
): Promise<readonly (NamedInput & { readonly source: PlacedSource })[]> {
  const found: (NamedInput & { readonly source: PlacedSource })[] = [];
  for (const source of listRemoteSources(converted.listDefinitions())) {
    const { op, range } = source;
    const entry = op.identifier.startsWith('git:') ? await gitEntry(source) : urlEntry(source);
    if (entry === undefined || except.includes(entry.name)) continue;
    found.push({ ...entry, source, ...(range === undefined ? {} : { range }) });
  }
  return found;
}

function urlEntry({ op }: PlacedSource): LockEntry | undefined {
  const isPinned = op.attrs['http.checksum'] !== undefined;
  return /^https?:/.test(op.identifier) && !isPinned ? { kind: 'urls', name: urlName(op.identifier) } : undefined;
}

async function gitEntry({ op }: PlacedSource): Promise<LockEntry | undefined> {
  const [{ readGitOp }, { pinCommit }] = await Promise.all([
    import('../../source/git/git-op.ts'),
    import('../../source/git/resolve.ts'),
  ]);
  const tree = readGitOp(op);
  return pinCommit(tree) === undefined ? { kind: 'git', name: gitName(tree.remote, tree.ref) } : undefined;
}

/**
 * What a Dockerfile names, found out without asking anybody: an image that `meta` does not know is taken for an empty one, whose variables and
 * triggers are not there to name anything.
 */
export async function discoverNames(
  conversion: ConversionInput,
  except: readonly string[],
): Promise<readonly NamedInput[]> {
  const images: NamedInput[] = [];
  const { meta } = conversion;
  const recording: MetaResolver = {
    async resolveImageConfig(reference, platform, options) {
      const { range } = options;
      const shown = formatPlatform(platform);
      if (!reference.includes('@'))
        images.push({ kind: 'images', name: reference, platform: shown, ...(range === undefined ? {} : { range }) });
      return await meta.resolveImageConfig(reference, platform, options).catch(() => placeholder(reference, platform));
    },
    resolveLayoutConfig: (name, platform, options) => meta.resolveLayoutConfig(name, platform, options),
  };
  const converted = await convertDockerfile({ ...conversion, meta: recording });
  return [...images, ...(await listSourceInputs(converted, except))];
}

export function toLockNames(inputs: Iterable<LockEntry>): LockNames {
  const names = { images: new Set<string>(), urls: new Set<string>(), git: new Set<string>() };
  for (const { kind, name } of inputs) names[kind].add(name);
  return names;
}
