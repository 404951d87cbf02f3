import { TsbuildError } from '../errors.ts';
import { redactUrl } from './redact.ts';

/** A URL that names a git repository, with options that contradict each other or mean nothing. */
export function gitUrlInvalid(url: string, why: string, hint?: string): TsbuildError {
  return new TsbuildError('GIT_URL_INVALID', `${redactUrl(url)}: ${why}`, {
    ...(hint === undefined ? {} : { hint }),
    details: { url: redactUrl(url) },
  });
}
