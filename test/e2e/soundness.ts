import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Processes whose command line holds `marker`, in any namespace. */
export function processesWith(marker: string): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (readFileSync(`/proc/${name}/cmdline`, 'latin1').includes(marker)) found.push(Number(name));
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/** Mounts below `root` in the mount namespace of any process. */
export function mountsAnywhere(root: string): string[] {
  const found = new Set<string>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      for (const line of readFileSync(`/proc/${name}/mountinfo`, 'utf8').split('\n'))
        if (line.includes(`${root}/`)) found.add(line);
    } catch {
      // It ended meanwhile.
    }
  }
  return [...found];
}

/** Waits until `get` gives an empty list; answers what it gives at the end of the time. */
export async function waitEmpty<T>(get: () => readonly T[], timeoutMs = 5000): Promise<readonly T[]> {
  const deadline = Date.now() + timeoutMs;
  while (get().length > 0 && Date.now() < deadline) await sleep(20);
  return get();
}

/** Blobs of a store whose content is not what their name says. */
export function brokenBlobs(store: string): string[] {
  const broken: string[] = [];
  for (const algorithm of readFolder(join(store, 'blobs'))) {
    for (const encoded of readFolder(join(store, 'blobs', algorithm))) {
      const content = readFileSync(join(store, 'blobs', algorithm, encoded));
      if (createHash(algorithm).update(content).digest('hex') !== encoded) broken.push(`${algorithm}:${encoded}`);
    }
  }
  return broken;
}

function readFolder(path: string): string[] {
  return existsSync(path) ? readdirSync(path) : [];
}
