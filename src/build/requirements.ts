import type { BuildRequest } from '../build-types.ts';
import type { Devices } from '../devices/index.ts';
import { DockerfileError } from '../dockerfile/errors.ts';
import { TsbuildError } from '../errors.ts';
import type { Definition, ExecOp, SourceLocation } from '../llb/ops.ts';
import { entitlementMissing } from './errors.ts';

/** What was given to a build. */
export interface Given {
  readonly devices: Pick<Devices, 'check'>;
  readonly request: Pick<BuildRequest, 'allow' | 'network'>;
  /** The Dockerfile's text. */
  readonly source: string;
}

/**
 * Looks for steps that need a right which the build was not given, before any step runs and whatever is cached, as BuildKit does. (A
 * secret that is missing is told by the step that reads it.) Throws `ENTITLEMENT_MISSING` and `DEVICE_MISSING`, with the place in the
 * Dockerfile.
 */
export async function checkRequirements({ ops, metadata }: Definition, given: Given): Promise<void> {
  for (const [digest, op] of ops) {
    const problem = op.type === 'exec' ? await findProblem(op, given) : undefined;
    if (problem !== undefined) throw locate(problem, metadata.get(digest)?.source, given.source);
  }
}

async function findProblem(op: ExecOp, { devices, request }: Given): Promise<TsbuildError | undefined> {
  const allowed = new Set(request.allow);
  // Who asks for the host's network for all steps has allowed it, as with buildx.
  if (op.network === 'host' && request.network !== 'host' && !allowed.has('network.host'))
    return entitlementMissing('network.host');
  if (op.security === 'insecure' && !allowed.has('security.insecure')) return entitlementMissing('security.insecure');
  if (op.devices === undefined) return undefined;
  try {
    await devices.check(op.devices);
  } catch (error) {
    if (error instanceof TsbuildError) return error;
    throw error;
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
