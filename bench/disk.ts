import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { exec, tryExec } from '../test/support/exec.ts';
import { unmountBelow } from '../test/support/mounts.ts';
import { makeTempDir, removeTree } from '../test/support/temp.ts';

/** Where all state of a bench run lies: every contender writes to the same file system. */
export interface BenchDisk {
  readonly path: string;
  /** What the reader of the results must know of it. */
  readonly note: string;
  remove(): Promise<void>;
}

const IMAGE_GB = 24;

/**
 * A journaled ext4 of its own in an image file, with direct I/O so that the host's page cache does not hold everything
 * twice. Root disks differ (some have no journal, and are then slow at making files soon after many were deleted); this is
 * the same everywhere. Where a loop device cannot be had, a tmpfs.
 */
export async function makeBenchDisk(): Promise<BenchDisk> {
  const home = makeTempDir('bench');
  const image = join(home, 'disk.img');
  const path = join(home, 'disk');
  mkdirSync(path);
  const remove = async (): Promise<void> => {
    await unmountBelow(path);
    removeTree(home);
  };
  try {
    await exec('truncate', ['-s', `${IMAGE_GB}G`, image]);
    await exec('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
    const device = await attachLoop(image);
    try {
      await exec('mount', ['-o', 'noatime', device, path]);
    } catch (error) {
      await tryExec('losetup', ['--detach', device]);
      throw error;
    }
    // Detached now, the device goes away with its mount, even when this process is killed before it cleans up.
    await tryExec('losetup', ['--detach', device]);
    return { path, note: 'journaled ext4 in a loop-mounted image file, direct I/O', remove };
  } catch {
    rmSync(image, { force: true });
    await exec('mount', ['-t', 'tmpfs', 'tmpfs', path]);
    return { path, note: 'tmpfs, since no loop device could be had: writes cost less than on a disk', remove };
  }
}

async function attachLoop(image: string): Promise<string> {
  const args = ['--find', '--show', image];
  const direct = await tryExec('losetup', ['--direct-io=on', ...args]);
  return (direct.code === 0 ? direct : await exec('losetup', args)).stdout.trim();
}
