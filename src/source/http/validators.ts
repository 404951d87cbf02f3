import type { HttpResponse } from '../../registry/transport.ts';
import type { FoundFile } from './file-op.ts';

/** A download that an earlier build made, and how to ask whether it is still what the server has (RFC 9110, 13). */
export interface HttpRecord {
  readonly found: FoundFile;
  readonly snapshot: string;
  /** In bytes. */
  readonly size?: number;
  readonly etag?: string;
  readonly lastModified?: string;
}

type Headers = HttpResponse['headers'];

/** What an answer gives to ask with next time; nothing of what could be the same for two versions of a file. */
export function validatorsOf(headers: Headers): Pick<HttpRecord, 'etag' | 'lastModified'> {
  const { etag, date, 'last-modified': lastModified } = headers;
  if (etag !== undefined && etag !== '' && etag.length <= 1024) return { etag };
  // A file may change twice in the second in which it was read (RFC 9110, 8.8.2.2).
  const settled = Date.parse(date ?? '') - Date.parse(lastModified ?? '') >= 1000;
  return lastModified !== undefined && settled ? { lastModified } : {};
}

export function conditionsFor(record: HttpRecord | undefined): Readonly<Record<string, string>> {
  if (record?.etag !== undefined) return { 'if-none-match': record.etag };
  return record?.lastModified === undefined ? {} : { 'if-modified-since': record.lastModified };
}

/** Whether an answer says that the copy is good: in so many words, or by the same ETag from a server that ignores conditions. */
export function isSame(record: HttpRecord, { status, headers }: HttpResponse): boolean {
  if (status === 304) return true;
  return record.etag !== undefined && strong(record.etag) === strong(headers.etag);
}

function strong(etag: string | undefined): string | undefined {
  return etag?.replace(/^W\//, '');
}
