import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes an empty folder; the caller removes it with `removeTree`. The name is short: unix socket paths end at 107 bytes. */
export function makeTempDir(name = 'test', parent = tmpdir()): string {
  return mkdtempSync(join(parent, `tsb-${name}-`));
}

export function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}
