import type { CopyInstruction, RunInstruction } from '../../instructions/index.ts';
import type { Linter } from '../linter.ts';
import { listShellCommands } from '../shell-commands.ts';
import type { Rule } from '../types.ts';
import { findInstaller, type Installer } from './installers.ts';
import type { FileReader } from './secret-files.ts';

export const CopyBeforeInstall: Rule = {
  name: 'CopyBeforeInstall',
  description:
    'What dependencies are installed from is copied first, the rest of the context after that: else any change installs them again',
  own: true,
};

/** Sources that are the whole context. */
const EVERYTHING = new Set(['.', './', '/', '*', './*']);

export function isEverything(source: string): boolean {
  return EVERYTHING.has(source);
}

/** What a stage has copied and installed so far. */
export interface InstallOrder {
  /** The last COPY of the whole context: where to warn, and about which words. */
  readonly everything: { readonly lint: Linter; readonly copy: CopyInstruction } | undefined;
  /** Kinds of dependencies that were installed before that, or have been warned about. */
  readonly settled: ReadonlySet<Installer>;
}

export const NOTHING_INSTALLED: InstallOrder = { everything: undefined, settled: new Set() };

export function noteCopy(order: InstallOrder, lint: Linter, copy: CopyInstruction): InstallOrder {
  const isWhole = copy.from === undefined && copy.sources.some(({ value }) => isEverything(value));
  return isWhole && order.everything === undefined ? { ...order, everything: { lint, copy } } : order;
}

/** A RUN that installs what files of the context name: warns at the COPY that came too early. */
export function checkInstall(
  order: InstallOrder,
  { node, mounts }: RunInstruction,
  read: FileReader | undefined,
): InstallOrder {
  const settled = new Set(order.settled);
  const commands = listShellCommands(node);
  // Elsewhere there may be other files.
  if (commands.some(({ words }) => words[0] === 'cd' || words[0] === 'pushd')) return order;
  for (const command of commands) {
    const installer = findInstaller(command.words);
    if (installer === undefined || settled.has(installer)) continue;
    settled.add(installer);
    // With a cache mount the download is kept, and what is left may be cheap.
    const isCached = mounts.some(({ value }) => /(?:^|,)type=cache(?:,|$)/.test(value));
    if (order.everything === undefined || isCached) continue;
    const files = findManifests(installer, read);
    if (files.length === 0) continue;
    const { lint, copy } = order.everything;
    const shown = command.words.slice(0, 3).join(' ');
    const message = `any change of a file here runs '${shown}' (line ${node.range.start.line}) again; COPY ${files.join(' ')} first, install, then COPY the rest`;
    const token = copy.sources.find(({ value }) => isEverything(value));
    lint.warn(CopyBeforeInstall, message, token?.range);
  }
  return { ...order, settled };
}

/** The files to copy first: those that are there, or the usual ones where nobody can look. */
function findManifests({ required, optional }: Installer, read: FileReader | undefined): readonly string[] {
  if (read === undefined) return [...required, ...optional.slice(0, 1)];
  const isThere = (path: string): boolean => read(path) !== undefined;
  // Of a workspace every package has such a file, in a place of its own.
  if (isThere('pnpm-workspace.yaml') || /"workspaces"\s*:/.test(read('package.json') ?? '')) return [];
  return required.every(isThere) ? [...required, ...optional.filter(isThere)] : [];
}
