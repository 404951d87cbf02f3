import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { SecureContext } from 'node:tls';
import { errorMessage, TsbuildError } from '../errors.ts';

/** Trust and identity for one host; `undefined` where Node's own roots serve. */
export interface TlsFiles {
  /** Files of authorities to trust besides the built-in ones. */
  readonly authorities: readonly string[];
  readonly certificate?: string;
  readonly key?: string;
}

/**
 * The files that count for a host: TSBUILD_EXTRA_CA_CERTS (the launcher's name for NODE_EXTRA_CA_CERTS, which Node would parse at every
 * start), and docker's certs.d/<host>/ with *.crt, *.cert and *.key.
 */
export function findTlsFiles(host: string, env: NodeJS.ProcessEnv): TlsFiles | undefined {
  const authorities: string[] = [];
  let pair: { certificate: string; key: string } | undefined;
  if (env.TSBUILD_EXTRA_CA_CERTS) authorities.push(env.TSBUILD_EXTRA_CA_CERTS);
  for (const folder of [
    join(env.HOME ?? homedir(), '.config/containers/certs.d', host),
    join('/etc/containers/certs.d', host),
    join('/etc/docker/certs.d', host),
  ]) {
    const names = listFiles(folder);
    authorities.push(...names.filter((name) => name.endsWith('.crt')).map((name) => join(folder, name)));
    const certificate = names.find((name) => name.endsWith('.cert') && names.includes(name.replace(/cert$/, 'key')));
    if (certificate !== undefined && pair === undefined)
      pair = { certificate: join(folder, certificate), key: join(folder, certificate.replace(/cert$/, 'key')) };
  }
  return authorities.length === 0 && pair === undefined ? undefined : { authorities, ...pair };
}

/** One context for all connections to the hosts of these files: parsing a bundle takes some 100 ms. */
export async function createTlsContext(files: TlsFiles, env: NodeJS.ProcessEnv): Promise<SecureContext> {
  const { createSecureContext, rootCertificates } = await import('node:tls');
  // Naming authorities replaces Node's whole set, the user's extra ones included.
  const extra = [...new Set([...files.authorities, ...(env.NODE_EXTRA_CA_CERTS ? [env.NODE_EXTRA_CA_CERTS] : [])])];
  const used: string[] = [];
  const read = (path: string): Buffer => {
    used.push(path);
    return readFileSync(path);
  };
  try {
    return createSecureContext({
      ...(files.authorities.length === 0 ? {} : { ca: [...rootCertificates, ...extra.map(read)] }),
      ...(files.certificate === undefined || files.key === undefined
        ? {}
        : { cert: read(files.certificate), key: read(files.key) }),
    });
  } catch (error) {
    throw new TsbuildError(
      'REGISTRY_TLS',
      `cannot use the certificates of ${used.join(', ')}: ${errorMessage(error)}`,
      {
        cause: error,
        hint: 'the files must be readable and in PEM form',
      },
    );
  }
}

function listFiles(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
