import { chmodSync, chownSync, existsSync, linkSync, lstatSync, mkdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { type LeftOut, limitTree } from './limit.ts';
import { type Selection, SurveyPaths } from './plan.ts';
import { surveySettled, type TravelContext } from './travel.ts';

/** A tree of other names of the same files: what is unpacked over it replaces names, and never writes into a file. */
export async function linkTree(context: TravelContext, from: string, to: string, id: string): Promise<void> {
  if (!existsSync(from)) return;
  const { survey } = await surveySettled(context, from, id);
  const paths = new SurveyPaths(survey);
  for (let i = 0; i < survey.types.length; i++) {
    const [source, target] = [pathIn(from, paths, i), pathIn(to, paths, i)];
    if (survey.types[i] !== 'd') {
      linkSync(source, target);
      continue;
    }
    const { mode, uid, gid } = lstatSync(source);
    mkdirSync(target);
    chownSync(target, uid, gid);
    chmodSync(target, mode & 0o7777);
  }
}

/** Removes what does not fit. */
export async function shrink(
  context: TravelContext,
  root: string,
  id: string,
  maxBytes: number | undefined,
): Promise<LeftOut> {
  if (maxBytes === undefined) return { files: 0, bytes: 0 };
  const { survey } = await surveySettled(context, root, id);
  const { keep, leftOut } = limitTree(survey, maxBytes);
  if (keep !== undefined) removeOthers(root, new SurveyPaths(survey), survey.types, keep);
  return leftOut;
}

function removeOthers(root: string, paths: SurveyPaths, types: string, keep: Selection): void {
  // From behind: what is in a directory comes after it.
  for (let i = types.length - 1; i >= 0; i--) {
    if (keep[i] === 1) continue;
    if (types[i] === 'd') rmdirSync(pathIn(root, paths, i));
    else unlinkSync(pathIn(root, paths, i));
  }
}

function pathIn(root: string, paths: SurveyPaths, index: number): Buffer {
  return Buffer.concat([Buffer.from(`${root}/`), paths.bytes(index).subarray(0, -1)]);
}
