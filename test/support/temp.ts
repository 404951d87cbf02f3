import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const made: string[] = [];

/**
 * Makes an empty folder. A caller that makes many or large ones removes each with `removeTree`; what is left goes when
 * the process ends. The name is short: unix socket paths end at 107 bytes.
 */
export function makeTempDir(name = 'test', parent = tmpdir()): string {
  if (made.length === 0) process.once('exit', removeLeft);
  const path = mkdtempSync(join(parent, `tsb-${name}-`));
  made.push(path);
  return path;
}

export function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 3 });
}

function removeLeft(): void {
  for (const path of made) {
    try {
      removeTree(path);
    } catch {
      // Something still holds it; the test's own result says what went wrong.
    }
  }
}
