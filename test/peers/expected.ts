import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageContent, normalizeConfig } from '../support/image-tree.ts';
import type { BuildCase } from './cases.ts';

/**
 * `expected.json` of a case: what BuildKit's documentation says, for what no peer at hand can do. Only what it names is
 * looked at; a path that is `null` must not be in the image.
 */
interface Expected {
  readonly tree?: Readonly<Record<string, ExpectedFile | null>>;
  readonly config?: Readonly<Record<string, unknown>>;
}

interface ExpectedFile {
  readonly type?: string;
  /** Octal, four digits. */
  readonly mode?: string;
  readonly uid?: number;
  readonly gid?: number;
  readonly content?: string;
  readonly linkname?: string;
}

/** What the image has otherwise than expected, a line each. */
export function compareExpected(buildCase: BuildCase, image: ImageContent): string[] {
  const path = join(buildCase.dir, 'expected.json');
  if (!existsSync(path)) throw new Error(`${buildCase.name} has neither peers nor expected.json`);
  const expected = JSON.parse(readFileSync(path, 'utf8')) as Expected;
  const lines: string[] = [];
  for (const [name, file] of Object.entries(expected.tree ?? {})) {
    const entry = image.tree.get(name);
    if (entry === undefined || file === null) {
      if ((entry === undefined) !== (file === null))
        lines.push(`/${name}: ${entry === undefined ? 'missing' : 'there'}`);
      continue;
    }
    const actual = { ...entry, mode: entry.mode.toString(8).padStart(4, '0') };
    for (const key of ['type', 'mode', 'uid', 'gid', 'linkname'] as const)
      if (file[key] !== undefined && file[key] !== actual[key])
        lines.push(`/${name}: ${key} ${actual[key]}, expected ${file[key]}`);
    if (file.content !== undefined && createHash('sha256').update(file.content).digest('hex') !== entry.sha256)
      lines.push(`/${name}: content of ${entry.size} bytes is not ${JSON.stringify(file.content)}`);
  }
  const config = normalizeConfig(image.config);
  for (const [key, value] of Object.entries(expected.config ?? {}))
    if (JSON.stringify(config[key]) !== JSON.stringify(value))
      lines.push(`config ${key}: ${JSON.stringify(config[key])}, expected ${JSON.stringify(value)}`);
  return lines;
}
