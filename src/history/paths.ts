import { join } from 'node:path';
import type { StorePaths } from '../store/paths.ts';

type Paths = Pick<StorePaths, 'builds' | 'logs'>;

/** `20260102T030405-0123abcd`. */
export const BUILD_ID = /^\d{8}T\d{6}-[0-9a-f]{8}$/;

export function buildDirectory(paths: Paths, id: string): string {
  return join(paths.builds, id);
}

/** The whole log of a build. Whoever builds holds a lock on it. */
export function buildLogPath(paths: Paths, id: string): string {
  return join(paths.logs, `${id}.log`);
}

export function recordPath(paths: Paths, id: string): string {
  return join(buildDirectory(paths, id), 'record.json');
}

export function stepsPath(paths: Paths, id: string): string {
  return join(buildDirectory(paths, id), 'steps.json');
}

export function plansDirectory({ builds }: Pick<Paths, 'builds'>): string {
  return join(builds, 'plans');
}

/** Where hashTree keeps what content digests were made of, by their hex. */
export function listsDirectory({ builds }: Pick<Paths, 'builds'>): string {
  return join(builds, 'lists');
}
