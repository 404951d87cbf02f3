import type { Secrets } from '../../secrets/types.ts';
import { secretMissing } from './errors.ts';
import type { HttpFile } from './file-op.ts';

/**
 * The Authorization header for a file, by BuildKit's names of secrets: the one that the op names, which must be there, or
 * `HTTP_AUTH_TOKEN_<host>` (a bearer token), or `HTTP_AUTH_HEADER_<host>` (the whole header). Throws `SECRET_MISSING`.
 */
export async function findAuthorization(
  { text, url, authHeaderSecret }: HttpFile,
  secrets: Pick<Secrets, 'read'>,
): Promise<string | undefined> {
  if (authHeaderSecret !== undefined) {
    const header = await secrets.read(authHeaderSecret);
    if (header === undefined) throw secretMissing(text, authHeaderSecret);
    return clean(header);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const token = await secrets.read(`HTTP_AUTH_TOKEN_${host}`);
  if (token !== undefined) return `Bearer ${clean(token)}`;
  const header = await secrets.read(`HTTP_AUTH_HEADER_${host}`);
  return header === undefined ? undefined : clean(header);
}

/** Files of secrets end with a line feed, headers must not. */
function clean(secret: Buffer): string {
  return secret.toString('utf8').trim();
}
