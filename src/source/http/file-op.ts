import type { SourceOp } from '../../llb/ops.ts';
import { type Digest, digestOf, parseDigest } from '../../oci/index.ts';
import { urlInvalid } from './errors.ts';

/** What a source op asks for: one file of the web. */
export interface HttpFile {
  /** As written, credentials included. */
  readonly text: string;
  readonly url: URL;
  readonly filename: string | undefined;
  readonly checksum: Digest | undefined;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly authHeaderSecret: string | undefined;
}

/** The file as it was found: everything that a step can see of it. */
export interface FoundFile {
  readonly name: string;
  readonly digest: Digest;
  /** Seconds since the epoch; absent where the server does not say. */
  readonly mtime?: number;
}

/** Throws `URL_INVALID`, `DIGEST_INVALID`. */
export function readHttpOp({ identifier, attrs }: SourceOp): HttpFile {
  if (!URL.canParse(identifier)) throw urlInvalid(identifier);
  const checksum = attrs['http.checksum'];
  return {
    text: identifier,
    url: new URL(identifier),
    filename: attrs['http.filename'],
    checksum: checksum === undefined ? undefined : parseDigest(checksum),
    mode: readNumber(attrs['http.perm'], 0o600),
    uid: readNumber(attrs['http.uid'], 0),
    gid: readNumber(attrs['http.gid'], 0),
    authHeaderSecret: attrs['http.authheadersecret'],
  };
}

/** The identity of the tree with this file in it, whatever URL it came from. */
export function digestFile({ mode, uid, gid }: HttpFile, { name, digest, mtime }: FoundFile): Digest {
  return digestOf(JSON.stringify(['http', name, mode, uid, gid, digest, mtime ?? null]));
}

/** Numbers are written as Go's strconv reads them: `0644` and `0o644` are octal. */
function readNumber(text: string | undefined, absent: number): number {
  if (text === undefined || text === '') return absent;
  const octal = /^0o?([0-7]+)$/.exec(text);
  return octal === null ? Number(text) || 0 : Number.parseInt(octal[1] ?? '0', 8);
}
