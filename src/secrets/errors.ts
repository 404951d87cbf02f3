import { TsbuildError } from '../errors.ts';

/** No error of this room holds a value, nor the error underneath where that could. */

export function secretUnreadable(id: string, why: string): TsbuildError {
  return new TsbuildError('SECRET_UNREADABLE', `cannot read the secret ${JSON.stringify(id)}: ${why}`, {
    hint: `see --secret id=${id},… : src= names a file, env= an environment variable`,
    details: { id },
  });
}

export function secretTooLarge(id: string, limitBytes: number): TsbuildError {
  return new TsbuildError('SECRET_TOO_LARGE', `the secret ${JSON.stringify(id)} has more than ${limitBytes} bytes`, {
    hint: 'give large files with --build-context, and mount them with RUN --mount=type=bind,from=…',
    details: { id, limit: limitBytes },
  });
}

export function sshAgentMissing(id: string): TsbuildError {
  return new TsbuildError('SSH_AGENT_MISSING', `the build was given no ssh agent ${JSON.stringify(id)}`, {
    hint: `add --ssh ${id} for the agent of SSH_AUTH_SOCK, or --ssh ${id}=<socket or key file>`,
    details: { id },
  });
}

/** What `--ssh` names cannot serve. */
export function sshSpecInvalid(id: string, why: string, hint?: string): TsbuildError {
  return new TsbuildError('SSH_AGENT_INVALID', `--ssh ${id}: ${why}`, {
    details: { id },
    ...(hint === undefined ? {} : { hint }),
  });
}

export function sshAgentFailed(id: string, why: string): TsbuildError {
  return new TsbuildError('SSH_AGENT_FAILED', `the ssh agent ${JSON.stringify(id)} cannot be used: ${why}`, {
    hint: 'is the agent running? "ssh-add -l" asks it',
    details: { id },
  });
}
