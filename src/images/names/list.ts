import { type DetailsContext, type ImageDetails, parseTime, readDetails } from '../details.ts';
import type { ImageRecord, ImageSummary, ListOptions } from '../types.ts';
import { compileFilters } from './filters.ts';
import { groupBy } from './grouping.ts';
import { isDangling, isDigestName, parseName, showRepository } from './names.ts';

/** `docker images`: a row for each tag, newest image first. */
export async function listImages(context: DetailsContext, options: ListOptions = {}): Promise<readonly ImageSummary[]> {
  const byImage = groupBy(context.records.all(), (record) => record.imageID);
  const filters = await compileFilters(context, options.filters ?? {});
  const rows: ImageSummary[] = [];
  for (const records of byImage.values()) {
    const first = records.find(({ name }) => !isDangling(name)) ?? records[0];
    const details = first === undefined ? undefined : await readDetails(context, first);
    if (details === undefined || !filters.keepsImage(details, records)) continue;
    rows.push(...makeRows(details, records.filter(filters.keepsName), options.digests ?? false));
  }
  return rows.sort(
    (a, b) =>
      (b.createdMs ?? 0) - (a.createdMs ?? 0) ||
      compare(`${a.repository}:${a.tag}`, `${b.repository}:${b.tag}`) ||
      compare(a.imageID, b.imageID),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Docker's rules (cli/command/formatter/image.go): digests have rows of their own only where a repository has no tag. */
function makeRows(details: ImageDetails, records: readonly ImageRecord[], digests: boolean): ImageSummary[] {
  const { imageID, config, platform, layerSizes } = details;
  const row = (repository: string, tag: string, digest: string): ImageSummary => ({
    imageID,
    repository,
    tag,
    digest,
    createdMs: parseTime(config.created),
    size: layerSizes.reduce((sum, size) => sum + size, 0),
    labels: config.config?.Labels ?? {},
    platform,
  });
  const rows: ImageSummary[] = [];
  for (const [repository, names] of groupBy(records, ({ name }) => showRepository(name))) {
    const tags = names.flatMap(({ name }) => parseName(name)?.tag ?? []);
    const found = names.flatMap(({ name }) => (isDigestName(name) ? (parseName(name)?.digest ?? []) : []));
    if (tags.length === 0) {
      const shown = digests && found.length > 0 ? found : [found[0] ?? '<none>'];
      rows.push(...shown.map((digest) => row(repository, '<none>', digest)));
    } else if (digests && found.length > 0) {
      for (const tag of tags) rows.push(...found.map((digest) => row(repository, tag, digest)));
    } else {
      rows.push(...tags.map((tag) => row(repository, tag, found[0] ?? '<none>')));
    }
  }
  return rows;
}
