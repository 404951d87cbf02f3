import { type ContainerConfig, chainIDs, type HistoryEntry, matchPlatform, type Platform } from '../oci/index.ts';
import { type DetailsContext, type ImageDetails, parseTime, readDetails } from './details.ts';
import { imageNotFound, platformNotFound } from './errors.ts';
import { requireImage } from './names/find.ts';
import { isDangling, isDigestName, showName } from './names/names.ts';
import type { HistoryRow, ImageInspection, ImageRecord, InspectedConfig } from './types.ts';

/** What Go writes for a time that was never set. */
const NO_TIME = '0001-01-01T00:00:00Z';

/** `docker image inspect`, in its shape. */
export async function inspectImage(
  context: DetailsContext,
  text: string,
  platform?: Platform,
): Promise<ImageInspection> {
  const { details, records } = await requireDetails(context, text, platform);
  const { config, layerSizes } = details;
  const size = layerSizes.reduce((sum, layer) => sum + layer, 0);
  const named = records.filter(({ name }) => !isDangling(name));
  const topChain = chainIDs(config.rootfs.diff_ids).at(-1);
  const snapshot = topChain === undefined ? undefined : context.chains.find(topChain);
  return {
    Id: details.imageID,
    RepoTags: named.filter(({ name }) => !isDigestName(name)).map(({ name }) => showName(name)),
    RepoDigests: named.filter(({ name }) => isDigestName(name)).map(({ name }) => showName(name)),
    Parent: '',
    Comment: config.history?.at(-1)?.comment ?? '',
    Created: config.created ?? NO_TIME,
    DockerVersion: '',
    Author: config.author ?? '',
    Config: showConfig(config.config ?? {}),
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    ...(config['os.version'] === undefined ? {} : { OsVersion: config['os.version'] }),
    Size: size,
    VirtualSize: size,
    GraphDriver: { Name: 'overlay', Data: snapshot === undefined ? null : { Snapshot: snapshot } },
    RootFS: { Type: 'layers', Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: new Date(Math.max(...records.map((record) => record.createdMs))).toISOString() },
    Descriptor: details.target,
  };
}

function showConfig(config: ContainerConfig): InspectedConfig {
  const { User = '', Env = null, Cmd = null, Volumes = null, WorkingDir = '', Entrypoint = null } = config;
  const { OnBuild = null, Labels = null } = config;
  return { ...config, User, Env, Cmd, Volumes, WorkingDir, Entrypoint, OnBuild, Labels };
}

/** `docker history`, newest entry first. */
export async function imageHistory(
  context: DetailsContext,
  text: string,
  platform?: Platform,
): Promise<readonly HistoryRow[]> {
  const { details, records } = await requireDetails(context, text, platform);
  const { config, layerSizes, imageID } = details;
  // An image may say nothing of its history and still have layers.
  const entries: readonly HistoryEntry[] = config.history ?? config.rootfs.diff_ids.map(() => ({}));
  let layer = 0;
  const rows = entries.map((entry): HistoryRow => {
    const size = entry.empty_layer ? 0 : (layerSizes[layer++] ?? 0);
    const { created, created_by: createdBy = '', comment = '' } = entry;
    return { id: '<missing>', createdMs: parseTime(created), createdBy, size, comment, tags: [], entry };
  });
  const tags = records.filter(({ name }) => !isDangling(name) && !isDigestName(name)).map(({ name }) => showName(name));
  return rows.reverse().map((row, i) => (i === 0 ? { ...row, id: imageID, tags } : row));
}

async function requireDetails(
  context: DetailsContext,
  text: string,
  platform: Platform | undefined,
): Promise<{ readonly details: ImageDetails; readonly records: readonly ImageRecord[] }> {
  const { record } = requireImage(context.records, text);
  const details = await readDetails(context, record, platform);
  if (details === undefined) throw imageNotFound(text);
  if (platform !== undefined && matchPlatform(platform, details.platform) === 0)
    throw platformNotFound(text, [platform], [details.platform]);
  return { details, records: context.records.ofImage(record.imageID) };
}
