import { isIP } from 'node:net';

/**
 * `8000-8002/udp` gives `8000/udp`, `8001/udp`, `8002/udp`. A host part (`ip:port:`) is checked and dropped, as BuildKit
 * does. Throws a plain Error on what it refuses.
 */
export function parsePorts(text: string): string[] {
  const parts = text.split(':');
  const [port, protocol] = splitOnce(parts.at(-1) ?? '', '/');
  const hostPort = parts.at(-2) ?? '';
  const ip = parts.slice(0, -2).join(':');
  if (port === '') throw new Error(`no port in ${JSON.stringify(text)}`);
  const proto = protocol.toLowerCase() || 'tcp';
  if (proto !== 'tcp' && proto !== 'udp' && proto !== 'sctp')
    throw new Error(`invalid protocol ${JSON.stringify(protocol)}, expected tcp, udp or sctp`);
  if (ip !== '' && isIP(ip.replace(/^\[(.*)\]$/, '$1')) === 0) throw new Error(`invalid IP address ${ip}`);
  const range = parseRange(port);
  if (range === undefined) throw new Error(`invalid port ${JSON.stringify(port)}`);
  if (hostPort !== '') {
    const host = parseRange(hostPort);
    if (host === undefined) throw new Error(`invalid host port ${JSON.stringify(hostPort)}`);
    if (host.end - host.start !== range.end - range.start && range.end !== range.start)
      throw new Error(`the ranges ${hostPort} and ${port} differ in length`);
  }
  const ports: string[] = [];
  for (let number = range.start; number <= range.end; number++) ports.push(`${number}/${proto}`);
  return ports;
}

function parseRange(text: string): { readonly start: number; readonly end: number } | undefined {
  if (!/^\d+(?:-\d+)?$/.test(text)) return undefined;
  const [start = Number.NaN, end = start] = text.split('-').map(Number);
  return start <= end && end <= 65_535 ? { start, end } : undefined;
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}
