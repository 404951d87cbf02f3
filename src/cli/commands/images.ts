import type { ImageSummary, ListFilters } from '../../images/types.ts';
import { shortDigest } from '../../oci/digest.ts';
import { suggest } from '../../suggest.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { parseBoolean } from '../flags/boolean.ts';
import { goTime, humanAgo, humanSize } from '../format/human.ts';
import { formatRows, type Row } from '../format/rows.ts';
import { invalidFlag, usageError } from '../usage-errors.ts';

interface ImagesFlags {
  readonly digests?: boolean;
  readonly filter?: readonly string[];
  readonly format?: string;
  readonly quiet?: boolean;
  readonly noTrunc?: boolean;
}

export const command: CommandSpec<ImagesFlags> = {
  name: 'images',
  usage: '[OPTIONS] [REPOSITORY[:TAG]]',
  summary: 'List images',
  examples: [
    'tsbuild images',
    "tsbuild images --filter reference='app:*' --filter label=stage=test",
    "tsbuild images --format '{{.Repository}}:{{.Tag}} {{.Size}}'",
    'tsbuild images -q --filter dangling=true',
  ],
  options: [
    { flags: '-a, --all', description: 'Show all images (there are no intermediate ones: this changes nothing)' },
    { flags: '--digests', description: 'Show digests' },
    {
      flags: '-f, --filter <key=value>',
      description: 'reference=, dangling=, label=, before=, since= (repeatable)',
      parse: collect,
    },
    { flags: '--format <format>', description: '"table", "table TEMPLATE", "json" or a Go template' },
    { flags: '--no-trunc', description: 'Do not shorten IDs' },
    { flags: '-q, --quiet', description: 'Show only IDs' },
  ],
  minArgs: 0,
  maxArgs: 1,
  completes: 'image',
  run,
};

const HEADERS = {
  ID: 'IMAGE ID',
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  Containers: 'CONTAINERS',
  SharedSize: 'SHARED SIZE',
  UniqueSize: 'UNIQUE SIZE',
  VirtualSize: 'SIZE',
};

async function run(context: Context, args: readonly string[], flags: ImagesFlags): Promise<void> {
  const digests = flags.digests === true || /\.Digest\b/.test(flags.format ?? '');
  const filters = parseFilters([...(flags.filter ?? []), ...args.map((pattern) => `reference=${pattern}`)]);
  const library = await context.library();
  const images = await library.listImages({ ...libraryOptions(context), filters, digests });
  const digestColumn = flags.digests ? '{{.Digest}}\t' : '';
  context.stdout.write(
    formatRows(
      images.map((image) => rowOf(image, flags.noTrunc !== true)),
      {
        format: flags.format,
        table: `table {{.Repository}}\t{{.Tag}}\t${digestColumn}{{.ID}}\t{{.CreatedSince}}\t{{.Size}}`,
        headers: HEADERS,
        ...(flags.quiet ? { quiet: 'ID' } : {}),
      },
    ),
  );
}

function rowOf(image: ImageSummary, shorten: boolean): Row {
  const size = humanSize(image.size);
  return {
    ID: shorten ? shortDigest(image.imageID) : image.imageID,
    Repository: image.repository,
    Tag: image.tag,
    Digest: image.digest,
    CreatedSince: humanAgo(image.createdMs),
    CreatedAt: goTime(image.createdMs),
    Size: size,
    Containers: 'N/A',
    SharedSize: 'N/A',
    UniqueSize: 'N/A',
    VirtualSize: size,
  };
}

const FILTERS = ['reference', 'dangling', 'label', 'before', 'since'];

/** Throws `FLAG_INVALID`. */
function parseFilters(values: readonly string[]): ListFilters {
  const reference: string[] = [];
  const label: string[] = [];
  let filters: ListFilters = {};
  for (const text of values) {
    const equals = text.indexOf('=');
    if (equals < 0) throw invalidFlag('-f, --filter', text, 'it is not key=value');
    const [key, value] = [text.slice(0, equals).trim().toLowerCase(), text.slice(equals + 1).trim()];
    if (key === 'reference') reference.push(value);
    else if (key === 'label') label.push(value);
    else if (key === 'before' || key === 'since') filters = { ...filters, [key]: value };
    else if (key === 'dangling') {
      const dangling = parseBoolean(value);
      if (dangling === undefined) throw invalidFlag('-f, --filter', text, 'dangling is true or false');
      filters = { ...filters, dangling };
    } else {
      const near = suggest(key, FILTERS);
      throw usageError(
        `there is no image filter ${JSON.stringify(key)}`,
        near === undefined ? `filters are ${FILTERS.join(', ')}` : `did you mean ${near}?`,
      );
    }
  }
  return {
    ...filters,
    ...(reference.length === 0 ? {} : { reference }),
    ...(label.length === 0 ? {} : { label }),
  };
}
