import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ExecResult, exec, tryExec } from './exec.ts';
import { makeTempDir, removeTree } from './temp.ts';

/** The programs that running an image needs. */
export const RUN_IMAGE_NEEDS: readonly string[] = ['root', 'umoci', 'runc'];

/**
 * Runs the command of an image of an OCI layout by other people's tools: umoci unpacks it, runc runs it. `layout` is a
 * folder, or the tar of one.
 */
export async function runImage(layout: string, tag: string): Promise<ExecResult> {
  const work = makeTempDir('run');
  try {
    let folder = layout;
    if (layout.endsWith('.tar')) {
      folder = join(work, 'layout');
      mkdirSync(folder);
      await exec('tar', ['-xf', layout, '-C', folder]);
    }
    const bundle = join(work, 'bundle');
    await exec('umoci', ['unpack', '--image', `${folder}:${tag}`, bundle]);
    const configPath = join(bundle, 'config.json');
    const config = JSON.parse(readFileSync(configPath, 'utf8')) as { process: { terminal: boolean } };
    config.process.terminal = false;
    writeFileSync(configPath, JSON.stringify(config));
    const id = `tsbuild-test-${process.pid}-${Date.now()}`;
    return await tryExec('runc', ['--root', join(work, 'state'), 'run', '--bundle', bundle, id], { timeoutMs: 60_000 });
  } finally {
    removeTree(work);
  }
}
