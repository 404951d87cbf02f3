/** What `--add-host` calls the machine that runs the build. */
const HOST_GATEWAY = 'host-gateway';

/** Steps share the network of that machine, so it is on their loopback; docker gives the address of its bridge here. */
const GATEWAY_ADDRESS = '127.0.0.1';

/** The container's /etc/hosts: loopback, its own name, and what `--add-host` gave. */
export function makeHosts(
  hostname: string,
  extraHosts: readonly { readonly host: string; readonly ip: string }[],
): string {
  const lines = [`127.0.0.1\tlocalhost ${hostname}`.trimEnd(), '::1\tlocalhost ip6-localhost ip6-loopback'];
  return [
    ...lines,
    ...extraHosts.map(({ host, ip }) => `${ip === HOST_GATEWAY ? GATEWAY_ADDRESS : ip}\t${host}`),
    '',
  ].join('\n');
}
