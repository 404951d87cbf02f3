import { randomBytes } from 'node:crypto';
import type { BuildRequest } from '../build-types.ts';
import { looksSecret } from '../dockerfile/lint/rules/secrets.ts';
import { buildLogPath } from '../history/paths.ts';
import { type BuildRecorder, createBuildRecorder } from '../history/recorder.ts';
import { removeOldBuilds, shouldRemoveBuilds } from '../history/retention.ts';
import { native } from '../native/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { createLogFile, type LogMasker } from '../progress/log-file.ts';
import { createMasker } from '../secrets/masker.ts';
import type { Store } from '../store/index.ts';

/** Where a build's events go: the whole log on disk, the record, and whoever asked to see them. */
export interface BuildLog {
  readonly path: string;
  readonly sink: ProgressSink;
  readonly recorder: BuildRecorder;
  finish(): Promise<void>;
}

/**
 * Ids sort by time: `20260102T030405-<random>`. Logs and records of old builds go (see removeOldBuilds); this one's log is locked until
 * `finish`. `context` is the directory that is built, where it is one.
 */
export async function openBuildLog(
  { paths }: Pick<Store, 'paths'>,
  request: BuildRequest,
  context: string | undefined,
): Promise<BuildLog> {
  const { onProgress } = request;
  const id = makeBuildId(new Date());
  const path = buildLogPath(paths, id);
  const file = createLogFile(path, native.prefixLines, maskArguments(request.buildArgs));
  // Whoever lists builds at this moment may have it, for the moment of a look.
  const lock = await native.lockFile({ path, exclusive: true, wait: true });
  const recorder = createBuildRecorder(paths, id, request, context);
  onProgress?.({ logPath: path, buildId: id });
  return {
    path,
    recorder,
    sink(status) {
      file.sink(status);
      recorder.sink(status);
      onProgress?.(status);
    },
    async finish() {
      file.finish();
      lock?.release();
      // Records that cannot be removed are no reason for a build to fail.
      if (shouldRemoveBuilds(paths, id)) await removeOldBuilds(paths, native).catch(() => {});
    },
  };
}

/** The values of build arguments that look like secrets: the log is kept, and goes where records of builds go. */
function maskArguments(buildArgs: BuildRequest['buildArgs'] = {}): LogMasker | undefined {
  const secrets = Object.entries(buildArgs).filter(([name]) => looksSecret(name));
  return createMasker(secrets.map(([, value]) => Buffer.from(value)));
}

/** The second half begins with the milliseconds: what is built twice in a second is in order too. */
function makeBuildId(now: Date): string {
  const stamp = now.toISOString().replace(/[-:]|\.\d+Z$/g, '');
  const fraction = now.getUTCMilliseconds().toString(16).padStart(3, '0');
  return `${stamp}-${fraction}${randomBytes(3).toString('hex').slice(1)}`;
}
