import { createPrivateKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import { encodeInteger, encodeString, WireReader } from './wire.ts';

/** A key that can sign: node's own, beside the public half as SSH writes it. */
export interface PrivateKey {
  readonly key: KeyObject;
  /** `ssh-ed25519`, `ssh-rsa`, `ecdsa-sha2-nistp256` … */
  readonly type: string;
  readonly publicBlob: Buffer;
  readonly comment: string;
}

/** Why a key file is of no use; the message is for people, and holds nothing of the file. */
export class KeyError extends Error {
  readonly encrypted: boolean;

  constructor(message: string, encrypted = false) {
    super(message);
    this.encrypted = encrypted;
  }
}

const OPENSSH_MAGIC = 'openssh-key-v1\0';
const OPENSSH_PEM = /-----BEGIN OPENSSH PRIVATE KEY-----([\sA-Za-z0-9+/=]+)-----END OPENSSH PRIVATE KEY-----/;

/** Names of the NIST curves, in SSH and as a JSON web key. */
const CURVES: Readonly<Record<string, string>> = { nistp256: 'P-256', nistp384: 'P-384', nistp521: 'P-521' };

/** Reads a private key file: OpenSSH's own format, or PEM as older ssh-keygen and openssl write it. Throws `KeyError`. */
export function parsePrivateKey(text: string): PrivateKey {
  const body = OPENSSH_PEM.exec(text)?.[1];
  if (body !== undefined) return parseOpenSsh(Buffer.from(body, 'base64'));
  if (/-----BEGIN ENCRYPTED PRIVATE KEY-----|Proc-Type: 4,ENCRYPTED/.test(text)) throw encrypted();
  if (!/-----BEGIN ([A-Z]+ )?PRIVATE KEY-----/.test(text)) throw new KeyError('it is not a private key');
  const key = importKey({ key: text, format: 'pem' });
  return { key, ...describePublic(key), comment: '' };
}

/** The format that PROTOCOL.key of OpenSSH describes. */
function parseOpenSsh(bytes: Buffer): PrivateKey {
  try {
    if (bytes.subarray(0, OPENSSH_MAGIC.length).toString('latin1') !== OPENSSH_MAGIC) throw new RangeError('magic');
    const outer = new WireReader(bytes.subarray(OPENSSH_MAGIC.length));
    const [cipher, kdf] = [outer.text(), outer.text()];
    outer.bytes();
    if (cipher !== 'none' || kdf !== 'none') throw encrypted();
    if (outer.uint32() !== 1) throw new KeyError('it holds several keys');
    const publicBlob = Buffer.from(outer.bytes());
    const inner = new WireReader(outer.bytes());
    const [check, again] = [inner.uint32(), inner.uint32()];
    if (check !== again) throw new RangeError('check numbers');
    const type = inner.text();
    const key = importKey({ key: readKey(type, inner), format: 'jwk' });
    return { key, type, publicBlob, comment: inner.text() };
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError('the private key is damaged');
  }
}

function readKey(type: string, inner: WireReader): JsonWebKey {
  if (type === 'ssh-ed25519') {
    const x = inner.bytes();
    // The seed, and the public half once more.
    return { kty: 'OKP', crv: 'Ed25519', x: base64(x), d: base64(inner.bytes().subarray(0, 32)) };
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = [
      inner.bytes(),
      inner.bytes(),
      inner.bytes(),
      inner.bytes(),
      inner.bytes(),
      inner.bytes(),
    ];
    const remainder = (prime: Buffer) => base64(fromBigInt(toBigInt(d) % (toBigInt(prime) - 1n)));
    const rest = { dp: remainder(p), dq: remainder(q), qi: number64(qi) };
    return { kty: 'RSA', n: number64(n), e: number64(e), d: number64(d), p: number64(p), q: number64(q), ...rest };
  }
  const curve = type.startsWith('ecdsa-sha2-') ? CURVES[inner.text()] : undefined;
  if (curve === undefined) throw new KeyError(`keys of type ${JSON.stringify(type)} are not supported`);
  const point = inner.bytes();
  const size = (point.length - 1) / 2;
  const d = fromBigInt(toBigInt(inner.bytes()), size);
  return {
    kty: 'EC',
    crv: curve,
    x: base64(point.subarray(1, 1 + size)),
    y: base64(point.subarray(1 + size)),
    d: base64(d),
  };
}

function importKey(input: Parameters<typeof createPrivateKey>[0]): KeyObject {
  try {
    return createPrivateKey(input);
  } catch {
    throw new KeyError('the private key is damaged');
  }
}

function describePublic(key: KeyObject): Pick<PrivateKey, 'type' | 'publicBlob'> {
  const { kty, crv, n = '', e = '', x = '', y = '' } = key.export({ format: 'jwk' });
  const decode = (text: string) => Buffer.from(text, 'base64url');
  if (kty === 'RSA') {
    const type = 'ssh-rsa';
    return {
      type,
      publicBlob: Buffer.concat([encodeString(type), encodeInteger(decode(e)), encodeInteger(decode(n))]),
    };
  }
  if (kty === 'OKP' && crv === 'Ed25519') {
    const type = 'ssh-ed25519';
    return { type, publicBlob: Buffer.concat([encodeString(type), encodeString(decode(x))]) };
  }
  const curve = Object.keys(CURVES).find((name) => CURVES[name] === crv);
  if (kty !== 'EC' || curve === undefined) throw new KeyError(`keys of type ${crv ?? kty} are not supported`);
  const type = `ecdsa-sha2-${curve}`;
  const point = Buffer.concat([Buffer.from([4]), decode(x), decode(y)]);
  return { type, publicBlob: Buffer.concat([encodeString(type), encodeString(curve), encodeString(point)]) };
}

function encrypted(): KeyError {
  return new KeyError('the private key is protected by a passphrase', true);
}

/** A number of SSH has a zero in front where its first bit is set; one of a web key has none. */
function number64(bytes: Buffer): string {
  return base64(fromBigInt(toBigInt(bytes)));
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function toBigInt(bytes: Buffer): bigint {
  return BigInt(`0x0${bytes.toString('hex')}`);
}

function fromBigInt(value: bigint, size = 0): Buffer {
  const hex = value.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return bytes.length >= size ? bytes : Buffer.concat([Buffer.alloc(size - bytes.length), bytes]);
}
