import type { LocalResult } from '../llb/results.ts';
import type { UnknownOwner } from '../native/types.ts';
import type { VertexReporter } from '../solver/types.ts';
import { suggest } from '../suggest.ts';

/** A step goes on with an owner that nobody knows, as in BuildKit, which says nothing; who wrote it meant somebody. */
export function warnOfOwner(owner: UnknownOwner, reporter: VertexReporter): void {
  const text = describeOwner(owner);
  reporter.log(2, Buffer.from(`warning: ${text}\n`));
  reporter.warn?.(text);
}

function describeOwner({ type, name, fileExists, known }: UnknownOwner): string {
  const file = type === 'user' ? '/etc/passwd' : '/etc/group';
  const where = fileExists ? `in the image's ${file}` : `in the image, which has no ${file}`;
  const effect = type === 'user' ? 'root owns what this step makes' : "the group stays the user's";
  const near = suggest(name, known);
  return `no ${type} ${JSON.stringify(name)} ${where}: ${effect}${near === undefined ? '' : `; did you mean ${near}?`}`;
}

/** Whoever owns a user's files on this machine, in the image they are root's; an archive says whose they are, but git does not. */
export function ownedByRoot({ isUnpacked, gitModes }: LocalResult): boolean {
  return isUnpacked !== true || gitModes === true;
}
