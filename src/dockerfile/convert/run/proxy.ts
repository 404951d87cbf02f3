const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'];

/** The predefined proxy arguments that were given, each in both cases: programs differ in which they read. */
export function proxyVariables(buildArgs: Readonly<Record<string, string>>): string[] {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(buildArgs).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const upper = name.toUpperCase();
    if (NAMES.includes(upper)) values.set(upper, value);
  }
  return NAMES.flatMap((name) => {
    const value = values.get(name);
    return value ? [`${name}=${value}`, `${name.toLowerCase()}=${value}`] : [];
  });
}
