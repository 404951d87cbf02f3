import { posix } from 'node:path';
import type { EnvList, ExecMount } from '../../../llb/index.ts';
import { syntaxError } from '../../errors.ts';
import { type Mount, nameSecret } from '../../instructions/index.ts';
import type { SourceRange } from '../../position.ts';
import type { StageDraft } from '../draft.ts';
import { resolvePath } from '../paths.ts';

type SecretMount = Extract<ExecMount, { readonly type: 'secret' }>;
type SshMount = Extract<ExecMount, { readonly type: 'ssh' }>;

/** What BuildKit shows for a variable that a secret gives. */
const SHOWN_VALUE = '****';

export function convertSecret(draft: StageDraft, mount: Mount, place: SourceRange): SecretMount {
  const { env, required } = mount;
  const id = nameSecret(mount);
  // A variable needs no file beside it, unless one is asked for.
  const given = mount.target || (env === undefined ? `/run/secrets/${posix.basename(id)}` : undefined);
  return {
    type: 'secret',
    id,
    required,
    ...(given === undefined ? {} : placeAt(draft, given, place)),
    ...(env === undefined ? {} : { env }),
    ...permissionsOf(mount, 0o400),
  };
}

/** `index` counts the agents of the step. */
export function convertSsh(draft: StageDraft, mount: Mount, index: number, place: SourceRange): SshMount {
  if (mount.source !== '') throw syntaxError('mount: an ssh mount has no source', place);
  const at = placeAt(draft, mount.target || `/run/buildkit/ssh_agent.${index}`, place);
  return { type: 'ssh', id: mount.id || 'default', ...at, required: mount.required, ...permissionsOf(mount, 0o600) };
}

/** The first agent is the one that ssh asks, unless the variable is set. It is set for an agent that is not given, too. */
export function addAgentVariable(env: EnvList, mounts: readonly ExecMount[]): EnvList {
  const first = mounts.find((mount): mount is SshMount => mount.type === 'ssh');
  return first === undefined || env.has('SSH_AUTH_SOCK') ? env : env.append('SSH_AUTH_SOCK', first.target);
}

/** The variables with which a step is named: those of secrets have a value that says so. */
export function showSecretVariables(env: EnvList, mounts: readonly ExecMount[]): EnvList {
  let shown = env;
  for (const mount of mounts)
    if (mount.type === 'secret' && mount.env !== undefined) shown = shown.append(mount.env, SHOWN_VALUE);
  return shown;
}

function placeAt(draft: StageDraft, given: string, place: SourceRange): { target: string; written?: string } {
  const target = resolvePath(draft.cwd, given);
  if (target === '/') throw syntaxError('mount: the target cannot be /', place);
  return { target, ...keepWritten(target, given) };
}

/** What a target looked like, where that is not what it means. */
export function keepWritten(target: string, written: string): { written?: string } {
  return written === target ? {} : { written };
}

function permissionsOf({ mode, uid = 0, gid = 0 }: Mount, usual: number): { mode: number; uid: number; gid: number } {
  return { mode: (mode ?? usual) & 0o777, uid, gid };
}
