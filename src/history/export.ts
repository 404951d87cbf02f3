import { closeSync, createReadStream, existsSync, type ReadStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Pack } from 'tar-stream';
import { writeTar } from '../content/index.ts';
import { type Descriptor, type Digest, digestOf, encodeJson, MediaType } from '../oci/index.ts';
import type { BuildInspection } from './history.ts';
import { openLog } from './log-file.ts';
import type { Explanation } from './reason-types.ts';

/** What `builds export` writes of one build. */
export interface ExportedBuild extends BuildInspection {
  readonly explanation: Explanation | undefined;
}

const TYPE = {
  /** The config of BuildKit's own build records (buildx util/desktop/bundle). */
  record: 'application/vnd.buildkit.historyrecord.v0',
  steps: 'application/vnd.tsbuild.steps.v1+json',
  explanation: 'application/vnd.tsbuild.explanation.v1+json',
  log: 'text/plain',
  dockerfile: 'text/x-dockerfile',
} as const;

/**
 * Writes builds as a tar of the form that buildx gives a `.dockerbuild`: an OCI image layout with a manifest for each build, whose config is
 * the record. Its layers are our own: the log as text, the Dockerfile, the steps with their keys, the explanation. `output` is not ended.
 */
export async function writeBundle(
  builds: readonly ExportedBuild[],
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  await writeTar(output, signal, (pack) => fillBundle(pack, builds));
}

async function fillBundle(pack: Pack, builds: readonly ExportedBuild[]): Promise<void> {
  for (const name of ['blobs/', 'blobs/sha256/']) pack.entry({ name, type: 'directory', mode: 0o755, mtime: EPOCH });
  const seen = new Set<Digest>();
  const manifests: Descriptor[] = [];
  for (const build of builds) {
    const { record } = build;
    const add = (mediaType: string, data: Buffer, title?: string): Descriptor => {
      const digest = digestOf(data);
      if (!seen.has(digest)) addFile(pack, blobPath(digest), data);
      seen.add(digest);
      return { mediaType, digest, size: data.length, ...nameFile(title) };
    };
    const config = add(TYPE.record, encodeJson(describeRecord(build)));
    const layers = [add(TYPE.steps, encodeJson(build.steps), 'steps.json')];
    if (build.dockerfileText !== undefined)
      layers.push(add(TYPE.dockerfile, Buffer.from(build.dockerfileText), 'Dockerfile'));
    if (build.explanation !== undefined)
      layers.push(add(TYPE.explanation, encodeJson(build.explanation), 'explanation.json'));
    const log = await addLog(pack, build, seen);
    if (log !== undefined) layers.push(log);
    const manifest = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers };
    const annotations = { 'org.opencontainers.image.ref.name': record.id };
    manifests.push({ ...add(MediaType.ociManifest, encodeJson(manifest)), annotations });
  }
  addFile(pack, 'index.json', encodeJson({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }));
  addFile(pack, 'oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
}

const EPOCH = new Date(0);

/** A log may be larger than memory: it is read twice, and no further than it went the first time. */
async function addLog(
  pack: Pack,
  { record, logPath }: BuildInspection,
  seen: Set<Digest>,
): Promise<Descriptor | undefined> {
  if (!existsSync(logPath)) return undefined;
  const { fd, size } = openLog(record.id, logPath);
  try {
    if (size === 0) return undefined;
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256');
    const read = (): ReadStream => createReadStream(logPath, { fd, start: 0, end: size - 1, autoClose: false });
    for await (const chunk of read()) hash.update(chunk as Buffer);
    const digest: Digest = `sha256:${hash.digest('hex')}`;
    if (!seen.has(digest)) {
      const sink = pack.entry({ name: blobPath(digest), size, mode: 0o644, mtime: EPOCH });
      await pipeline(read(), sink);
    }
    seen.add(digest);
    return { mediaType: TYPE.log, digest, size, ...nameFile('build.log') };
  } finally {
    closeSync(fd);
  }
}

function nameFile(title: string | undefined): Pick<Descriptor, 'annotations'> {
  return title === undefined ? {} : { annotations: { 'org.opencontainers.image.title': title } };
}

function addFile(pack: Pack, name: string, data: Buffer): void {
  pack.entry({ name, mode: 0o644, mtime: EPOCH }, data);
}

function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`;
}

/** BuildKit's BuildHistoryRecord (api/services/control/control.proto) as buildx writes it, and our own record whole beside it. */
function describeRecord({ record }: BuildInspection): object {
  const { id, buildArgs, labels, createdMs, completedMs, counts, dockerfile, target, context } = record;
  const args = Object.entries(buildArgs).map(([name, value]) => [`build-arg:${name}`, value]);
  const named = Object.entries(labels).map(([name, value]) => [`label:${name}`, value]);
  return {
    Ref: id,
    FrontendAttrs: {
      ...Object.fromEntries([...args, ...named]),
      filename: dockerfile.name,
      ...(target === undefined ? {} : { target }),
    },
    CreatedAt: timestamp(createdMs),
    ...(completedMs === undefined ? {} : { CompletedAt: timestamp(completedMs) }),
    ...(record.error === undefined ? {} : { error: { code: 2, message: record.error.message } }),
    numTotalSteps: counts.total,
    numCompletedSteps: counts.completed,
    numCachedSteps: counts.cached,
    localState: { Target: target ?? 'default', LocalPath: context, DockerfilePath: dockerfile.path ?? '' },
    tsbuild: record,
  };
}

function timestamp(timeMs: number): { readonly seconds: number; readonly nanos: number } {
  const seconds = Math.floor(timeMs / 1000);
  return { seconds, nanos: Math.floor((timeMs - seconds * 1000) * 1e6) };
}
