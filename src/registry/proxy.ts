import { BlockList, isIP } from 'node:net';
import { isLoopback } from './hosts.ts';

/**
 * The proxy for a URL by HTTPS_PROXY, HTTP_PROXY and NO_PROXY (either case), as Go's programs read them: NO_PROXY holds hosts,
 * `.suffixes`, addresses, CIDR ranges, each perhaps with a port, or `*`; loopback never goes through a proxy.
 */
export function findProxy(url: URL, env: NodeJS.ProcessEnv): string | undefined {
  const name = url.protocol === 'https:' ? 'https_proxy' : 'http_proxy';
  const proxy = env[name] || env[name.toUpperCase()];
  if (!proxy || isLoopback(url.hostname)) return undefined;
  const exceptions = env.no_proxy || env.NO_PROXY || '';
  if (exceptions.split(',').some((exception) => isException(exception.trim().toLowerCase(), url))) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

function isException(exception: string, url: URL): boolean {
  if (exception === '') return false;
  if (exception === '*') return true;
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (exception.includes('/')) return isInRange(host, exception);
  const port = /^(.*[^:]|\[.*\]):(\d+)$/.exec(exception);
  const pattern = (port?.[1] ?? exception).replace(/^\[|\]$/g, '').replace(/^\*\./, '.');
  if (port !== null && port[2] !== (url.port || (url.protocol === 'https:' ? '443' : '80'))) return false;
  if (pattern.startsWith('.')) return host.endsWith(pattern);
  return host === pattern || (isIP(host) === 0 && host.endsWith(`.${pattern}`));
}

function isInRange(host: string, range: string): boolean {
  const family = isIP(host);
  const [network = '', bits = ''] = range.split('/');
  if (family === 0 || isIP(network) !== family || !/^\d+$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128))
    return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, Number(bits), type);
  return list.check(host, type);
}
