import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, TsbuildError } from '../errors.ts';
import { causeCode } from './errors.ts';

const BASE_DELAY_MS = 250;
const MAX_DELAY_MS = 20_000;
const RETRYABLE_STATUS = new Set([408, 429, 500, 502, 503, 504]);
const RETRYABLE_CODES = new Set([
  'EAI_AGAIN',
  'ECONNABORTED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Whether the same request may fare better a moment later. */
export function isRetryableStatus(status: number): boolean {
  return RETRYABLE_STATUS.has(status);
}

/** Whether an error tells of a connection that broke, as against an answer or a fault of ours. */
export function isRetryableError(error: unknown): boolean {
  if (error instanceof TsbuildError && error.code !== 'REGISTRY_UNREACHABLE') return false;
  return RETRYABLE_CODES.has(causeCode(error));
}

/** No connection came about: offline, or the wrong name. One more try may help; five are a minute of silence. */
const CONNECT_CODES = new Set(['EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'UND_ERR_CONNECT_TIMEOUT']);
const CONNECT_ATTEMPTS = 2;

/** How often a request that met this error may be tried, of the attempts that are allowed in all. */
export function attemptsFor(error: unknown, maxAttempts: number): number {
  if (!isRetryableError(error)) return 1;
  return CONNECT_CODES.has(causeCode(error)) ? Math.min(CONNECT_ATTEMPTS, maxAttempts) : maxAttempts;
}

/** Full jitter: clients that failed together do not come back together. `attempt` counts from 1. */
export function backoffMs(attempt: number, random = Math.random): number {
  return Math.round(random() * Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** attempt));
}

/** Retry-After in seconds or as a date (RFC 9110, 10.2.3), in milliseconds from `nowMs`; `undefined` when it says nothing. */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined;
  if (/^\s*\d{1,9}\s*$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** Waits, or throws the signal's reason. */
export async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (errorCode(error) !== 'ABORT_ERR') throw error;
  }
}
