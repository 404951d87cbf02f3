const UNITS: Readonly<Record<string, number>> = { bytes: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/**
 * Reads what git prints: `Receiving objects:  42% (420/1000), 1.20 MiB | 2.00 MiB/s` becomes a task, other counters are dropped, and
 * the rest is handed on as lines.
 */
export function readProgress(
  onTask: ((id: string, current: number, total: number, completed?: boolean) => void) | undefined,
  onLog: ((data: Uint8Array) => void) | undefined,
): (chunk: Buffer) => void {
  let rest = '';
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split(/(?<=[\r\n])/);
    // Nobody prints so long a line but to fill our memory.
    rest = /[\r\n]$/.test(lines.at(-1) ?? '') ? '' : (lines.pop() ?? '').slice(0, 4096);
    for (const line of lines) {
      const [, amount, unit = 'bytes', done] =
        /^Receiving objects:.*, ([\d.]+) (\w+)(?: \|.*?)?(, done\.)?\s*$/.exec(line) ?? [];
      if (amount !== undefined) {
        const bytes = Math.round(Number(amount) * (UNITS[unit] ?? 1));
        onTask?.('receiving objects', bytes, done === undefined ? 0 : bytes, done !== undefined);
      } else if (!/^(?:remote: )?[A-Z][\w ]+:\s+(?:\d+%|\d+[,\s])/.test(line) && line.trim() !== '') {
        onLog?.(Buffer.from(line.replace(/\r$/, '\n')));
      }
    }
  };
}
