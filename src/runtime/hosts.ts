/** The container's /etc/hosts: loopback, its own name, and what `--add-host` gave. */
export function makeHosts(
  hostname: string,
  extraHosts: readonly { readonly host: string; readonly ip: string }[],
): string {
  const lines = [`127.0.0.1\tlocalhost ${hostname}`.trimEnd(), '::1\tlocalhost ip6-localhost ip6-loopback'];
  return [...lines, ...extraHosts.map(({ host, ip }) => `${ip}\t${host}`), ''].join('\n');
}
