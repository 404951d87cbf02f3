import { readFileSync } from 'node:fs';

/** Where systemd-resolved keeps the real servers behind its own stub. */
const SYSTEMD_RESOLV_CONF = '/run/systemd/resolve/resolv.conf';

/** What docker falls back to when a container could reach none of the host's servers. */
const FALLBACK_NAMESERVERS = ['8.8.8.8', '8.8.4.4', '2001:4860:4860::8888', '2001:4860:4860::8844'];

/**
 * The container's resolv.conf, as docker and BuildKit make it: the host's own where the network is the host's; otherwise
 * without the servers on loopback, which is another loopback inside. Without any server left, public ones are named.
 */
export function makeResolvConf(network: 'host' | 'none', read: (path: string) => string = readIfThere): string {
  let content = read('/etc/resolv.conf');
  if (network === 'host') return nameservers(content).length > 0 ? content : withoutLoopback(content);
  const servers = nameservers(content);
  if (servers.length === 1 && servers[0] === '127.0.0.53') content = read(SYSTEMD_RESOLV_CONF);
  return withoutLoopback(content);
}

function withoutLoopback(content: string): string {
  const kept = content
    .split('\n')
    .filter((line) => !isLoopback(nameserverOf(line)))
    .join('\n');
  if (nameservers(kept).length > 0) return kept;
  const fallback = FALLBACK_NAMESERVERS.map((server) => `nameserver ${server}\n`).join('');
  return kept === '' || kept.endsWith('\n') ? kept + fallback : `${kept}\n${fallback}`;
}

function nameservers(content: string): string[] {
  return content
    .split('\n')
    .map(nameserverOf)
    .filter((server) => server !== undefined);
}

function nameserverOf(line: string): string | undefined {
  return /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address.startsWith('127.') || address === '::1');
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
