import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { startBaseRegistry } from '../support/base-registry.ts';
import { BASE_NEEDS, type BaseName } from '../support/bases.ts';
import type { ExecResult } from '../support/exec.ts';
import { writeFiles } from '../support/files.ts';
import type { Need } from '../support/machine.ts';
import type { Registry } from '../support/registry.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, type Tsbuild } from '../support/tsbuild.ts';

/** What a test from end to end works with; all of it goes with the test. */
export interface Setting {
  /** A folder for anything. */
  readonly work: string;
  readonly registry: Registry;
  readonly tsbuild: Tsbuild;
  /** Writes a context and answers its folder. */
  readonly context: (files: Readonly<Record<string, string | Uint8Array>>, name?: string) => string;
  /** Builds a context as `<tag>:1` with the registry as the build argument REGISTRY. */
  readonly build: (context: string, tag: string, ...flags: string[]) => Promise<ExecResult>;
}

export const SETTING_NEEDS: readonly Need[] = ['root', 'docker-registry', 'skopeo', ...BASE_NEEDS.busybox];

/** The first lines of a Dockerfile on the busybox base. */
export const FROM_BUSYBOX = 'ARG REGISTRY\nFROM $REGISTRY/busybox:1\n';

export async function makeSetting(t: ExecutionContext, bases: readonly BaseName[] = ['busybox']): Promise<Setting> {
  const work = makeTempDir('e2e');
  t.teardown(() => removeTree(work));
  const registry = await startBaseRegistry(bases);
  t.teardown(() => registry.stop());
  const tsbuild = openTsbuild(join(work, 'store'));
  return {
    work,
    registry,
    tsbuild,
    context(files, name = 'context') {
      const folder = join(work, name);
      writeFiles(folder, files);
      return folder;
    },
    build: (context, tag, ...flags) =>
      tsbuild.run([
        'build',
        '--progress=plain',
        `--build-arg=REGISTRY=${registry.host}`,
        '-t',
        `${tag}:1`,
        ...flags,
        context,
      ]),
  };
}

/** Both streams: which of them a message goes to is no concern of most tests. */
export function outputOf(result: ExecResult): string {
  return `${result.stdout}\n${result.stderr}`;
}

/** A build in plain progress, followed until one of its steps prints `started`; rejects where it ends before. */
export async function untilStarted(child: ChildProcess): Promise<{ readonly said: () => string }> {
  let output = '';
  await new Promise<void>((resolve, reject) => {
    child.once('exit', () => reject(new Error(output)));
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (/ started\n/.test(output)) resolve();
      });
  });
  return { said: () => output };
}
