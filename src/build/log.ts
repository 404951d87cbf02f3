import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { native } from '../native/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { createLogFile } from '../progress/log-file.ts';
import type { Store } from '../store/index.ts';
import { removeOldLogs, shouldRemoveLogs } from './log-retention.ts';

/** Where a build's events go: the whole log on disk, and whoever asked to see them. */
export interface BuildLog {
  readonly path: string;
  readonly sink: ProgressSink;
  finish(): Promise<void>;
}

/** Names sort by time: `20260102T030405-<random>.log`. Logs of old builds go (see removeOldLogs); this one is locked until `finish`. */
export async function openBuildLog(
  store: Pick<Store, 'paths'>,
  onProgress: ProgressSink | undefined,
): Promise<BuildLog> {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
  const path = join(store.paths.logs, `${stamp}-${randomBytes(4).toString('hex')}.log`);
  const file = createLogFile(path, native.prefixLines);
  const lock = await native.lockFile({ path, exclusive: true, wait: false });
  onProgress?.({ logPath: path });
  return {
    path,
    sink(status) {
      file.sink(status);
      onProgress?.(status);
    },
    async finish() {
      file.finish();
      lock?.release();
      // Logs that cannot be removed are no reason for a build to fail.
      if (shouldRemoveLogs(store.paths.logs, path)) await removeOldLogs(store.paths.logs, native).catch(() => {});
    },
  };
}
