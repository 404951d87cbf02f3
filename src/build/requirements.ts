import type { BuildRequest } from '../build-types.ts';
import { DockerfileError } from '../dockerfile/errors.ts';
import type { TsbuildError } from '../errors.ts';
import type { Definition, ExecOp, SourceLocation } from '../llb/ops.ts';
import { secretMissing } from '../ops/errors.ts';
import { sshAgentMissing } from '../secrets/errors.ts';
import type { Secrets, SshAgents } from '../secrets/index.ts';
import { entitlementMissing } from './errors.ts';

/** What was given to a build. */
export interface Given {
  readonly secrets: Pick<Secrets, 'has'>;
  readonly sshAgents: Pick<SshAgents, 'has'>;
  readonly request: Pick<BuildRequest, 'allow' | 'network'>;
  /** The Dockerfile's text. */
  readonly source: string;
}

/**
 * Looks for steps that need what the build was not given, before any step runs: rights, and secrets and agents that are required.
 * Throws `ENTITLEMENT_MISSING`, `SECRET_MISSING`, `SSH_AGENT_MISSING`, with the place in the Dockerfile.
 */
export function checkRequirements({ ops, metadata }: Definition, given: Given): void {
  for (const [digest, op] of ops) {
    const problem = op.type === 'exec' ? findProblem(op, given) : undefined;
    if (problem !== undefined) throw locate(problem, metadata.get(digest)?.source, given.source);
  }
}

function findProblem(op: ExecOp, { secrets, sshAgents, request }: Given): TsbuildError | undefined {
  const allowed = new Set(request.allow);
  // Who asks for the host's network for all steps has allowed it, as with buildx.
  if (op.network === 'host' && request.network !== 'host' && !allowed.has('network.host'))
    return entitlementMissing('network.host');
  if (op.security === 'insecure' && !allowed.has('security.insecure')) return entitlementMissing('security.insecure');
  for (const mount of op.mounts) {
    if (mount.type === 'secret' && mount.required && !secrets.has(mount.id)) return secretMissing(mount.id);
    if (mount.type === 'ssh' && mount.required && !sshAgents.has(mount.id)) return sshAgentMissing(mount.id);
  }
  return undefined;
}

function locate(error: TsbuildError, place: SourceLocation | undefined, source: string): TsbuildError {
  const { code, message, hint, details } = error;
  return new DockerfileError(code, message, {
    source,
    details,
    ...(hint === undefined ? {} : { hint }),
    ...(place === undefined ? {} : { file: place.file, range: place }),
  });
}
