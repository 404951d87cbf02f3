import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { native } from '../native/index.ts';
import type { ProgressSink } from '../progress/events.ts';
import { createLogFile } from '../progress/log-file.ts';
import type { Store } from '../store/index.ts';

/** Where a build's events go: the whole log on disk, and whoever asked to see them. */
export interface BuildLog {
  readonly path: string;
  readonly sink: ProgressSink;
  finish(): void;
}

/** Names sort by time: `20260102T030405-<random>.log`. */
export function openBuildLog(store: Pick<Store, 'paths'>, onProgress: ProgressSink | undefined): BuildLog {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+Z$/g, '');
  const path = join(store.paths.logs, `${stamp}-${randomBytes(4).toString('hex')}.log`);
  const file = createLogFile(path, native.prefixLines);
  onProgress?.({ logPath: path });
  return {
    path,
    sink(status) {
      file.sink(status);
      onProgress?.(status);
    },
    finish() {
      file.finish();
    },
  };
}
