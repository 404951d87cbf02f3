/** `docker-image://docker.io/library/busybox:1` is the scheme `docker-image` and the rest. */
export function schemeOf(identifier: string): { readonly scheme: string; readonly rest: string } {
  const end = identifier.indexOf('://');
  if (end < 0) return { scheme: '', rest: identifier };
  return { scheme: identifier.slice(0, end), rest: identifier.slice(end + 3) };
}
