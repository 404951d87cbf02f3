/** The data types of SSH (RFC 4251, section 5) and the messages of its agent protocol (draft-ietf-sshm-ssh-agent). */

/** Requests that may pass, and answers. */
export const AgentMessage = {
  failure: 5,
  listKeys: 11,
  keys: 12,
  sign: 13,
  signature: 14,
} as const;

/** OpenSSH's own bound for a message (AGENT_MAX_LEN). */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** Reads one value after the other. Throws a RangeError past the end. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }

  uint32(): number {
    const value = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return value;
  }

  bytes(): Buffer {
    const length = this.uint32();
    if (length > this.#bytes.length - this.#at) throw new RangeError('a string ends behind its message');
    const value = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return value;
  }

  text(): string {
    return this.bytes().toString('utf8');
  }
}

export function encodeUint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** A string of the protocol: its length, then its bytes. */
export function encodeString(value: Uint8Array | string): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([encodeUint32(bytes.length), bytes]);
}

/** A positive integer (`mpint`) of big-endian bytes. */
export function encodeInteger(magnitude: Uint8Array): Buffer {
  let start = 0;
  while (start < magnitude.length && magnitude[start] === 0) start++;
  const bytes = magnitude.subarray(start);
  // The first bit is the sign.
  const signed = (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
  return encodeString(signed);
}

/** One message, its length in front. */
export function encodeMessage(type: number, ...parts: readonly Uint8Array[]): Buffer {
  return encodeString(Buffer.concat([Buffer.from([type]), ...parts]));
}
