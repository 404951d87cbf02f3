import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { errorCode } from '../errors.ts';
import { unreachable } from './errors.ts';

/** Where the requests for a domain go, and how. */
export interface Endpoint {
  /** As in references: `docker.io`. */
  readonly domain: string;
  /** `https://registry-1.docker.io`. */
  readonly origin: string;
  /** False: any certificate will do, as docker holds for loopback. */
  readonly verifyTls: boolean;
}

const HUB = new Set(['docker.io', 'index.docker.io']);
const PROBE_TIMEOUT_MS = 3000;

/** What a probe found stays true for the life of a process. */
const probed = new Map<string, Promise<'http:' | 'https:'>>();

/**
 * The endpoint of a domain. Everybody is spoken to in verified HTTPS, except loopback hosts and those that were named insecure: there,
 * like docker, we take HTTPS with any certificate, or plain HTTP where TLS is not spoken. Which one is found by a TLS handshake alone,
 * once per process, before any request.
 */
export async function findEndpoint(domain: string, insecureHosts: readonly string[]): Promise<Endpoint> {
  if (HUB.has(domain)) return { domain, origin: 'https://registry-1.docker.io', verifyTls: true };
  if (!isLoopback(domain) && !insecureHosts.includes(domain))
    return { domain, origin: `https://${domain}`, verifyTls: true };
  let probe = probed.get(domain);
  if (probe === undefined) {
    probe = probeProtocol(domain);
    probed.set(domain, probe);
    // A registry that was not there yet is asked again next time.
    probe.catch(() => probed.delete(domain));
  }
  return { domain, origin: `${await probe}//${domain}`, verifyTls: false };
}

/** `localhost`, 127.0.0.0/8 and ::1, with or without a port. */
export function isLoopback(host: string): boolean {
  const name = host.startsWith('[') ? host.slice(1, host.indexOf(']')) : host.replace(/:\d+$/, '');
  return (
    name === 'localhost' ||
    name.endsWith('.localhost') ||
    name === '::1' ||
    /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(name)
  );
}

/** Asks with a TLS handshake: a server of plain HTTP answers with an error at once, or not at all. */
async function probeProtocol(domain: string): Promise<'http:' | 'https:'> {
  const { hostname, port } = new URL(`https://${domain}`);
  const host = hostname.replace(/^\[|\]$/g, '');
  const outcome = await new Promise<Error | 'tls' | 'silent'>((resolve) => {
    const socket = connectTls({
      host,
      port: Number(port || 443),
      rejectUnauthorized: false,
      timeout: PROBE_TIMEOUT_MS,
    });
    const settle = (found: Error | 'tls' | 'silent'): void => {
      resolve(found);
      socket.destroy();
    };
    socket.once('secureConnect', () => settle('tls'));
    socket.once('timeout', () => settle('silent'));
    socket.once('error', settle);
    socket.once('close', () => settle('silent'));
  });
  if (outcome === 'tls') return 'https:';
  // Without a port the two protocols have different ones: whoever refuses 443 may listen on 80.
  const refused = outcome !== 'silent' && isConnectFailure(outcome);
  if (refused && (port !== '' || !(await canConnect(host, 80))))
    throw unreachable('GET', `https://${domain}/v2/`, outcome);
  return 'http:';
}

const CONNECT_FAILURES = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
]);

function isConnectFailure(error: Error): boolean {
  return CONNECT_FAILURES.has(errorCode(error) ?? '');
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port, timeout: PROBE_TIMEOUT_MS });
    const settle = (found: boolean): void => {
      resolve(found);
      socket.destroy();
    };
    socket.once('connect', () => settle(true));
    socket.once('timeout', () => settle(false));
    socket.once('error', () => settle(false));
  });
}
