import { posix } from 'node:path';
import type { ExecMount, InputList, State } from '../../../llb/index.ts';
import { stageError, syntaxError } from '../../errors.ts';
import { type Mount, parseMount, type RunInstruction } from '../../instructions/index.ts';
import type { SourceRange } from '../../position.ts';
import { findBuildArg, nameStage, type StageCommand } from '../../stages/index.ts';
import { cleanPath } from '../../text.ts';
import { type Conversion, expandText, placeOf, type StageDraft } from '../draft.ts';
import { nameTree } from '../names.ts';
import { resolvePath } from '../paths.ts';
import { convertSecret, convertSsh, keepWritten } from './secrets.ts';

/** `RUN --mount`: what each mounts, its inputs added to `inputs`. */
export function convertMounts(
  conversion: Conversion,
  draft: StageDraft,
  instruction: RunInstruction,
  command: StageCommand,
  inputs: InputList,
): ExecMount[] {
  let sshCount = 0;
  return instruction.mounts.map((token, index) => {
    const place = placeOf(command, token);
    const mount = parseMount(token, (text) => expandText(conversion, draft, text, place));
    if (mount.type === 'secret') return convertSecret(draft, mount, place);
    if (mount.type === 'ssh') return convertSsh(draft, mount, sshCount++, place);
    // Without a target it is the working directory.
    const target = resolvePath(draft.cwd, mount.target);
    if (target === '/')
      throw syntaxError(
        'mount: the target cannot be /',
        place,
        mount.target === '' ? 'add target=<directory>: without it, it is the working directory' : undefined,
      );
    const at = { target, ...keepWritten(target, posix.isAbsolute(mount.target) ? mount.target : target) };
    if (mount.type === 'tmpfs') {
      const size = mount.sizeBytes ? { sizeBytes: mount.sizeBytes } : {};
      return { type: 'tmpfs', ...at, ...size, ...(mount.readonly ? { readonly: true } : {}) };
    }
    const { state, treeName } = findTree(conversion, draft, mount, command, index, place);
    const input = inputs.add(state, treeName);
    const selector = resolvePath('/', mount.source);
    if (mount.type === 'bind') return { type: 'bind', input, ...at, selector, readonly: mount.readonly, output: -1 };
    return {
      type: 'cache',
      id: `${cacheNamespace(conversion)}/${mount.id || cleanPath(mount.target)}`,
      ...at,
      sharing: mount.sharing ?? 'shared',
      readonly: mount.readonly,
      input,
      selector,
      mode: mount.mode ?? 0o755,
      uid: mount.uid ?? 0,
      gid: mount.gid ?? 0,
      ...((mount.mode ?? mount.uid ?? mount.gid) === undefined ? {} : { owned: true }),
    };
  });
}

/** Where a mount's files come from: a bind without `from` reads the build context, a cache starts empty. */
function findTree(
  conversion: Conversion,
  draft: StageDraft,
  mount: Mount,
  command: StageCommand,
  index: number,
  place: SourceRange,
): { readonly state: State | undefined; readonly treeName?: string } {
  if (mount.from === undefined || mount.from === '') {
    if (mount.type === 'cache') return { state: undefined };
    conversion.contexts.read('context', resolvePath('/', mount.source));
    return { state: conversion.contexts.state('context') };
  }
  const stage = command.sources[index];
  const source = stage === undefined ? undefined : conversion.drafts.get(stage);
  if (stage === undefined || source === undefined || source === draft)
    throw stageError(
      `cannot mount from stage ${stage === undefined ? mount.from : nameStage(stage)}: it must be defined before`,
      place,
    );
  if (source.localContext !== undefined) conversion.contexts.read(source.localContext, resolvePath('/', mount.source));
  return { state: source.state, treeName: nameTree(source) };
}

/** Caches are shared by name among all builds, but for those that choose a name space. */
function cacheNamespace({ request }: Conversion): string {
  return request.cacheIdNamespace ?? findBuildArg(request.buildArgs, 'BUILDKIT_CACHE_MOUNT_NS') ?? '';
}
