const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes in decimal units as BuildKit prints them: `400B`, `1.05MB`. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(2)}${UNITS[unit]}`;
}

/** `1.05MB / 3.20MB`, `1.05MB` where the total is not known, nothing where nothing is. */
export function formatProgress(current: number, total: number): string {
  if (total > 0) return `${formatBytes(current)} / ${formatBytes(total)}`;
  return current > 0 ? formatBytes(current) : '';
}

/** Seconds with one decimal: `0.1s`. */
export function formatSeconds(milliseconds: number): string {
  return `${(Math.max(0, milliseconds) / 1000).toFixed(1)}s`;
}

/** The time in front of a log line: seconds since the step's start, in five characters or so. */
export function formatLogTime(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds) / 1000;
  return seconds.toFixed(seconds < 10 ? 3 : seconds < 100 ? 2 : 1);
}

/** Whether a step's error only says that the build was stopped. */
export function isCanceled(error: string): boolean {
  return /(^|: )(context canceled|canceled|(the|this) (operation|build) was (canceled|aborted))\.?$/i.test(error);
}
