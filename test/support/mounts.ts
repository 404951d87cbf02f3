import { readFileSync } from 'node:fs';
import { tryExec } from './exec.ts';

/** The mount points at and below `root`, the innermost first. */
export function mountsBelow(root: string): string[] {
  const points = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4])
    .filter((point) => point !== undefined)
    .map((point) =>
      point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
    );
  return points.filter((point) => point === root || point.startsWith(`${root}/`)).reverse();
}

/** Takes down every mount at and below `root`, in use or not. */
export async function unmountBelow(root: string): Promise<void> {
  for (const point of mountsBelow(root)) await tryExec('umount', ['--lazy', point]);
}
