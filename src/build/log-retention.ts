import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { NativeApi } from '../native/types.ts';

/** The logs of this many builds are kept, the newest, as far as they are no larger together. */
const KEEP_BUILDS = 50;
const KEEP_BYTES = 1024 ** 3;

/** Only what has the name of a log is ever removed: `20260102T030405-<8 hex digits>.log`. */
const LOG_NAME = /^\d{8}T\d{6}-[0-9a-f]{8}\.log$/;

/** Builds above `KEEP_BUILDS` that may gather, and the size of a log, before the logs are looked at. */
const SLACK_BUILDS = 10;
const LARGE_BYTES = 16 * 1024 ** 2;

export interface LogLimits {
  readonly builds: number;
  readonly bytes: number;
}

/** To look at every log would be a part of what a cached build costs: so only when there are a few too many, or this one is large. */
export function shouldRemoveLogs(directory: string, ownPath: string): boolean {
  const own = statSync(ownPath, { throwIfNoEntry: false });
  return (own?.size ?? 0) > LARGE_BYTES || readdirSync(directory).length > KEEP_BUILDS + SLACK_BUILDS;
}

/**
 * Removes the logs of old builds. A build holds a lock on its log for as long as it runs, in whatever process: such a log is neither
 * removed nor counted. Several processes may do this at once. The newest log stays, however large.
 */
export async function removeOldLogs(
  directory: string,
  native: Pick<NativeApi, 'lockFile'>,
  limits: LogLimits = { builds: KEEP_BUILDS, bytes: KEEP_BYTES },
): Promise<void> {
  // Names sort by time.
  const names = readdirSync(directory).filter((name) => LOG_NAME.test(name));
  names.sort().reverse();
  let [builds, bytes] = [0, 0];
  for (const name of names) {
    const path = join(directory, name);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) continue;
    const isFirst = builds === 0;
    builds++;
    bytes += size;
    if (isFirst || (builds <= limits.builds && bytes <= limits.bytes)) continue;
    const lock = await native.lockFile({ path, exclusive: true, wait: false });
    if (lock === undefined) {
      builds--;
      bytes -= size;
      continue;
    }
    rmSync(path, { force: true });
    lock.release();
  }
}
