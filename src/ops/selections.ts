import { compilePatterns } from '../dockerfile/ignore/index.ts';
import { hasWildcard } from '../dockerfile/text.ts';
import type { CopyAction, ExecMount, ExecOp, FileOp } from '../llb/ops.ts';
import type { TreeSelection } from '../native/types.ts';

/** A part of an input that a step reads. */
export interface ReadSelection extends TreeSelection {
  /** A pattern that nothing matches is no error. */
  readonly mayBeMissing: boolean;
}

/** What the copies of a file op read of one input; `undefined` where the input counts as a whole, by its identity. */
export function copySelections(op: FileOp, input: number): readonly ReadSelection[] | undefined {
  if (input === op.base) return undefined;
  const copies = op.actions.filter((action): action is CopyAction => action.type === 'copy' && action.input === input);
  return copies.map((copy) => ({
    path: copy.src,
    wildcard: copy.allowWildcard,
    followSymlinks: copy.followSymlinks,
    ...compileFilters(copy),
    ...(copy.requiredPath === undefined ? {} : { required: copy.requiredPath }),
    mayBeMissing: mayMatchNothing(copy),
  }));
}

/**
 * What a process can see of one input, by BuildKit's rules (solver/llbsolver/ops/exec.go, getMountDeps): the root file system
 * and trees that become outputs count by identity (`undefined`), all others by the content that is mounted.
 */
export function mountSelections(op: ExecOp, input: number): readonly ReadSelection[] | undefined {
  const selectors: string[] = [];
  for (const mount of op.mounts) {
    if (!readsInput(mount, input)) continue;
    if (mount.type === 'bind' && mount.output >= 0 && (!mount.readonly || mount.target === '/')) return undefined;
    selectors.push(mount.selector);
  }
  return [...new Set(selectors)].sort().map((path) => ({
    path,
    wildcard: false,
    followSymlinks: true,
    // A tree's own root is made anew for each mount.
    includeRoot: path !== '/',
    mayBeMissing: false,
  }));
}

/** The mount shows a part of this input. */
export function readsInput<M extends ExecMount>(
  mount: M,
  input: number,
): mount is Extract<M, { readonly input: number }> {
  return 'input' in mount && mount.input === input;
}

/** Only a pattern may; a path that is written out has to be there. */
export function mayMatchNothing(copy: CopyAction): boolean {
  return copy.allowWildcard && copy.allowEmptyWildcard && hasWildcard(copy.src);
}

/** The directory in which a pattern begins to look: its components before the first that is a pattern. */
export function findFixedPart(pattern: string): string {
  const parts = pattern.split('/');
  const end = parts.findIndex(hasWildcard);
  return parts.slice(0, end).join('/') || '/';
}

/** What of a directory is copied, compiled for the native layer. */
export function compileFilters({ includePatterns = [], excludePatterns = [] }: CopyAction): {
  readonly include?: string;
  readonly exclude?: string;
} {
  return {
    ...(includePatterns.length === 0 ? {} : { include: compilePatterns(includePatterns) }),
    ...(excludePatterns.length === 0 ? {} : { exclude: compilePatterns(excludePatterns) }),
  };
}
