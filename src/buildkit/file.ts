import { posix } from 'node:path';
import { hasWildcard } from '../dockerfile/text.ts';
import type { CopyAction, FileAction, FileOp, MakeDirAction, MakeFileAction } from '../llb/ops.ts';
import { type Digest, digestOf } from '../oci/index.ts';
import type { DigestContent } from './content.ts';
import { type Form, given, goJson, recordDigest } from './form.ts';
import { ownerForm } from './owner.ts';
import { compareBytes, outermostPaths, type PartSelection } from './selections.ts';
import type { BuildKitDep, BuildKitKey } from './types.ts';

const NOTHING = -1;
/** No mode or no time is set. */
const UNSET = -1;

/** COPY, ADD, WORKDIR: client/llb/fileop.go writes the op, CacheMap of solver/llbsolver/ops/file.go takes from it what counts. */
export function fileKey(op: FileOp, digestContent: DigestContent): BuildKitKey {
  const { inputs, indexes } = numberInputs(op);
  const base = op.base < 0 ? NOTHING : inputs.indexOf(op.base);
  const digest = fileDigest(
    op.actions.map((action) => goJson(actionForm(action, base))),
    indexes,
  );
  return {
    outputs: [[recordDigest(digest, 0)]],
    deps: inputs.map((input) => toDep(op, input, digestContent)),
  };
}

/** Of a file op, given its actions as JSON and for each the numbers of what it changes, reads and gives. */
export function fileDigest(actions: readonly string[], indexes: readonly (readonly number[])[]): Digest {
  return digestOf(
    goJson({
      Type: 'buildkit.file.v0',
      Actions: actions.map((action) => Buffer.from(action).toString('base64')),
      indexes: areUsual(indexes) ? undefined : indexes,
    }),
  );
}

/** Inputs in the order in which the client meets them, and each action's numbers: what an action gives comes after all inputs. */
function numberInputs({ base, actions }: FileOp): { inputs: number[]; indexes: number[][] } {
  const inputs: number[] = base < 0 ? [] : [base];
  for (const action of actions)
    if (action.type === 'copy' && action.input >= 0 && !inputs.includes(action.input)) inputs.push(action.input);
  const indexes = actions.map((action, i) => [
    i > 0 ? inputs.length + i - 1 : base < 0 ? NOTHING : 0,
    action.type === 'copy' && action.input >= 0 ? inputs.indexOf(action.input) : NOTHING,
    i === actions.length - 1 ? 0 : NOTHING,
  ]);
  return { inputs, indexes };
}

/** Old versions left them out; they still are where nothing else is likely. The number of actions stands where that of inputs should. */
function areUsual(indexes: readonly (readonly number[])[]): boolean {
  return indexes.every(([changed, read, given], i) => {
    const before = i === 0 ? 0 : indexes.length + i - 1;
    return changed === before && (read === NOTHING || read === 1) && given === (i === indexes.length - 1 ? 0 : NOTHING);
  });
}

function actionForm(action: FileAction, base: number): Form {
  if (action.type === 'copy') return copyForm(action, base);
  return action.type === 'mkdir' ? makeDirForm(action, base) : makeFileForm(action, base);
}

function copyForm(action: CopyAction, base: number): Form {
  const { owner, mode, modeChange, includePatterns = [], excludePatterns = [] } = action;
  return {
    src: action.input < 0 ? action.src : posix.basename(action.src) || '/',
    dest: action.written ?? action.dest,
    owner: owner === undefined ? undefined : ownerForm(owner, base),
    mode: modeChange === undefined ? given(mode ?? UNSET) : undefined,
    followSymlink: given(action.followSymlinks),
    dirCopyContents: given(action.dirCopyContents && !isCheckout(action)),
    attemptUnpackDockerCompatibility: given(action.attemptUnpack),
    createDestPath: given(action.createDestPath),
    allowWildcard: given(action.allowWildcard),
    allowEmptyWildcard: given(action.allowEmptyWildcard),
    timestamp: UNSET,
    include_patterns: given(includePatterns),
    exclude_patterns: given(excludePatterns),
    modeStr: modeChange,
  };
}

/** All of a tree that was fetched, where it makes no difference whether the contents of `/` are meant or `/`. */
function isCheckout({ src, followSymlinks, allowWildcard }: CopyAction): boolean {
  return src === '/' && !followSymlinks && !allowWildcard;
}

function makeDirForm({ path, mode, makeParents, owner, mtime }: MakeDirAction, base: number): Form {
  return {
    path,
    mode: given(mode & 0o777),
    makeParents: given(makeParents),
    owner: owner === undefined ? undefined : ownerForm(owner, base),
    // In nanoseconds, which a number holds as long as it is written with these zeros.
    timestamp: mtime === undefined ? UNSET : Number(`${mtime}e9`),
  };
}

function makeFileForm({ path, mode, data, owner }: MakeFileAction, base: number): Form {
  return {
    path,
    mode: given(mode & 0o777),
    data: given(Buffer.from(data).toString('base64')),
    owner: owner === undefined ? undefined : ownerForm(owner, base),
    timestamp: UNSET,
  };
}

/** What is changed counts as what it is; what is only read counts by what is read. */
function toDep(op: FileOp, input: number, digestContent: DigestContent): BuildKitDep {
  if (input === op.base) return { input, selector: '' };
  const parts = op.actions.flatMap((action) =>
    action.type === 'copy' && action.input === input ? [toPart(action)] : [],
  );
  const paths = parts
    .map(({ path }) => path)
    .sort(compareBytes)
    .reverse();
  const digested = dropRepeated(parts);
  return {
    input,
    selector: digestOf(paths.join('\0')),
    contentDigest: (tree, signal) => digestContent(tree, digested, signal),
  };
}

function toPart({ src, allowWildcard, followSymlinks, includePatterns, excludePatterns }: CopyAction): PartSelection {
  return {
    path: src,
    wildcard: allowWildcard && hasWildcard(src),
    followSymlinks,
    includePatterns: includePatterns ?? [],
    excludePatterns: excludePatterns ?? [],
  };
}

/** Plain paths that lie below others are not looked at again. Those with patterns all are. */
function dropRepeated(parts: readonly PartSelection[]): PartSelection[] {
  const isPlain = (part: PartSelection): boolean =>
    !part.wildcard && part.includePatterns.length === 0 && part.excludePatterns.length === 0;
  const plain = [false, true].flatMap((followSymlinks) =>
    outermostPaths(
      parts.filter((part) => isPlain(part) && part.followSymlinks === followSymlinks).map(({ path }) => path),
    ).map(
      (path): PartSelection => ({ path, wildcard: false, followSymlinks, includePatterns: [], excludePatterns: [] }),
    ),
  );
  return [...plain, ...parts.filter((part) => !isPlain(part))].sort((a, b) => compareBytes(a.path, b.path));
}
