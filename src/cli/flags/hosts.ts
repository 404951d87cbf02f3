import { isIP } from 'node:net';
import { invalidFlag } from '../usage-errors.ts';

/** A line of the steps' /etc/hosts. */
export interface ExtraHost {
  readonly host: string;
  /** An address, or `host-gateway`. */
  readonly ip: string;
}

/** What stands for the machine that runs the build. */
const HOST_GATEWAY = 'host-gateway';

/**
 * Reads `--add-host` as buildx does: `host=ip` or `host:ip`, where an IPv6 address may stand in brackets; `host-gateway` for the
 * address is this machine. Throws `FLAG_INVALID`.
 */
export function collectHost(text: string, previous: unknown): ExtraHost[] {
  const [, host = '', given = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? /^([^:]*):(.*)$/s.exec(text) ?? [];
  const ip = /^\[.+\]$/s.test(given) ? given.slice(1, -1) : given;
  const fail = (why: string): Error => invalidFlag('--add-host', text, why, 'write --add-host name=1.2.3.4');
  if (host === '') throw fail('it has no name of a host before the = or :');
  if (!/^[\w.-]+$/.test(host)) throw fail(`${JSON.stringify(host)} cannot be the name of a host`);
  if (given !== HOST_GATEWAY && isIP(ip) === 0)
    throw fail(ip === '' ? 'it has no address' : `${JSON.stringify(ip)} is no IP address and not ${HOST_GATEWAY}`);
  return [...(Array.isArray(previous) ? (previous as ExtraHost[]) : []), { host, ip }];
}
