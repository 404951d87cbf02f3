const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Bytes in decimal units with three digits, as docker prints a size: `1.24MB`, `127MB`; buildx prints four. */
export function humanSize(bytes: number, digits = 3): string {
  let value = bytes;
  let unit = 0;
  while (unit < UNITS.length - 1 && Number(value.toPrecision(digits)) >= 1000) {
    value /= 1000;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${UNITS[unit]}`;
}

/** A time span in docker's words: `About a minute`, `5 days`. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < MINUTE) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / MINUTE);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.round(seconds / HOUR);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.floor(hours / 24);
  if (seconds < 14 * DAY) return `${days} days`;
  if (seconds < 60 * DAY) return `${Math.floor(days / 7)} weeks`;
  if (seconds < 730 * DAY) return `${Math.floor(days / 30)} months`;
  return `${Math.floor(seconds / DAY / 365)} years`;
}

/** How long ago: `2 hours ago`; `N/A` for a time that is not known. */
export function humanAgo(timeMs: number | undefined, nowMs = Date.now()): string {
  return timeMs === undefined || timeMs <= 0 ? 'N/A' : `${humanDuration(nowMs - timeMs)} ago`;
}

/** A time as Go prints it: `2024-05-01 10:00:00 +0200 CEST`. */
export function goTime(timeMs: number | undefined): string {
  if (timeMs === undefined || timeMs <= 0) return 'N/A';
  const time = new Date(timeMs);
  const local = new Date(timeMs - time.getTimezoneOffset() * 60_000).toISOString();
  return `${local.slice(0, 10)} ${local.slice(11, 19)} ${formatOffset(time, '')} ${zoneName(time)}`;
}

/** RFC 3339 in local time: `2024-05-01T10:00:00+02:00`. */
export function rfc3339(timeMs: number | undefined): string {
  if (timeMs === undefined) return 'N/A';
  const time = new Date(timeMs);
  const local = new Date(timeMs - time.getTimezoneOffset() * 60_000).toISOString();
  const offset = time.getTimezoneOffset() === 0 ? 'Z' : formatOffset(time, ':');
  return `${local.slice(0, 19)}${offset}`;
}

/** The first characters and `…`, at most `length` in all. */
export function ellipsis(text: string, length: number): string {
  const chars = Array.from(text);
  return chars.length <= length ? text : `${chars.slice(0, length - 1).join('')}…`;
}

function formatOffset(time: Date, separator: string): string {
  const minutes = -time.getTimezoneOffset();
  const two = (value: number): string => String(Math.trunc(value)).padStart(2, '0');
  return `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}${separator}${two(Math.abs(minutes) % 60)}`;
}

function zoneName(time: Date): string {
  if (time.getTimezoneOffset() === 0) return 'UTC';
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' }).formatToParts(time);
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? formatOffset(time, '');
}
