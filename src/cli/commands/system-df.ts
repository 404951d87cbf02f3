import type { ImageSummary, Usage, UsageItem } from '../../index.ts';
import { shortDigest } from '../../oci/digest.ts';
import type { CommandSpec } from '../command-spec.ts';
import { type Context, libraryOptions } from '../context.ts';
import { humanAgo, humanSize } from '../format/human.ts';
import { formatRows, type Row } from '../format/rows.ts';
import { usageRow } from '../format/usage.ts';
import { usageError } from '../usage-errors.ts';

interface SystemDfFlags {
  readonly format?: string;
  readonly verbose?: boolean;
}

export const command: CommandSpec<SystemDfFlags> = {
  name: 'system df',
  usage: '[OPTIONS]',
  summary: 'Show what images and build cache take on disk',
  notes:
    "The sum is what 'tsbuild du' says, which lists everything. Nothing runs here that would keep an image: what all images take is what " +
    "'tsbuild image prune -a' would free.",
  examples: ['tsbuild system df', "tsbuild system df --format '{{.Type}}: {{.Size}}'"],
  options: [
    { flags: '--format <format>', description: '"table", "table TEMPLATE", "json" or a Go template' },
    { flags: '-v, --verbose', description: 'Show each image and each thing in the build cache' },
  ],
  minArgs: 0,
  maxArgs: 0,
  run,
};

const TABLE = 'table {{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}';
const HEADERS = { Type: 'TYPE', TotalCount: 'TOTAL', Active: 'ACTIVE', Size: 'SIZE', Reclaimable: 'RECLAIMABLE' };

async function run(context: Context, _args: readonly string[], { format, verbose }: SystemDfFlags): Promise<void> {
  if (verbose && format !== undefined) throw usageError('--verbose has a form of its own: it takes no --format');
  const library = await context.library();
  const options = libraryOptions(context);
  const [usage, images] = await Promise.all([library.diskUsage(options), library.listImages(options)]);
  context.stdout.write(
    verbose
      ? formatVerbose(usage, images)
      : formatRows(summarise(usage, images), { format, table: TABLE, headers: HEADERS }),
  );
}

/** What is in images, what is only there to build faster, and what the store needs for itself: all of the store together. */
function groupItems({ items }: Usage) {
  const images = items.filter(({ shared }) => shared);
  const cache = items.filter(isCache);
  return { images, cache, rest: items.filter((item) => !item.shared && !isCache(item)) };
}

const isCache = ({ shared, type }: UsageItem): boolean => !shared && type !== 'internal';

const sizeOf = (items: readonly UsageItem[]): number => items.reduce((sum, { bytes }) => sum + bytes, 0);

function summarise(usage: Usage, images: readonly ImageSummary[]): readonly Row[] {
  const groups = groupItems(usage);
  const imageBytes = sizeOf(groups.images);
  const count = new Set(images.map(({ imageID }) => imageID)).size;
  const share = imageBytes === 0 ? '' : ' (100%)';
  return [
    {
      ...rowOf('Images', groups.images),
      TotalCount: String(count),
      Active: '0',
      Reclaimable: `${humanSize(imageBytes, 4)}${share}`,
    },
    rowOf('Build Cache', groups.cache),
    rowOf('Store', groups.rest),
  ];
}

function rowOf(type: string, items: readonly UsageItem[]): Row {
  return {
    Type: type,
    TotalCount: String(items.length),
    Active: String(items.filter(({ inUse }) => inUse).length),
    Size: humanSize(sizeOf(items), 4),
    Reclaimable: humanSize(sizeOf(items.filter(({ reclaimable }) => reclaimable)), 4),
  };
}

const IMAGE_TABLE = 'table {{.Repository}}\t{{.Tag}}\t{{.ID}}\t{{.CreatedSince}}\t{{.Size}}';
const IMAGE_HEADERS = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  Size: 'SIZE',
};
const CACHE_TABLE =
  'table {{.ID}}\t{{.Type}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.InUse}}';
const CACHE_HEADERS = {
  ID: 'CACHE ID',
  Type: 'CACHE TYPE',
  Size: 'SIZE',
  CreatedSince: 'CREATED',
  LastUsedSince: 'LAST USED',
  UsageCount: 'USAGE',
  InUse: 'IN USE',
};

function formatVerbose(usage: Usage, images: readonly ImageSummary[]): string {
  const { cache, rest } = groupItems(usage);
  const rows = images.map((image) => ({
    Repository: image.repository,
    Tag: image.tag,
    ID: shortDigest(image.imageID),
    CreatedSince: humanAgo(image.createdMs),
    Size: humanSize(image.size),
  }));
  const caches = cache.map((item) => usageRow(item, true));
  return [
    'Images space usage:\n',
    formatRows(rows, { format: undefined, table: IMAGE_TABLE, headers: IMAGE_HEADERS }),
    `Build cache usage: ${humanSize(sizeOf(cache), 4)}\n`,
    formatRows(caches, { format: undefined, table: CACHE_TABLE, headers: CACHE_HEADERS }),
    `Store usage: ${humanSize(sizeOf(rest), 4)}\n`,
  ].join('\n');
}
