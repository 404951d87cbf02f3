import { sign } from 'node:crypto';
import type { PrivateKey } from './private-key.ts';
import type { Agent, AgentConnection } from './types.ts';
import { AgentMessage, encodeInteger, encodeMessage, encodeString, encodeUint32, WireReader } from './wire.ts';

/** Flags of a sign request: which signature of an RSA key is wanted; without one SHA-1, as old as the protocol. */
const RSA_SHA2_256 = 2;
const RSA_SHA2_512 = 4;

/** Hashes of the ECDSA key types (RFC 5656, section 6.2.1). */
const ECDSA_HASHES: Readonly<Record<string, string>> = {
  'ecdsa-sha2-nistp256': 'sha256',
  'ecdsa-sha2-nistp384': 'sha384',
  'ecdsa-sha2-nistp521': 'sha512',
};

/** An agent that holds keys in memory. */
export function createKeyAgent(keys: readonly PrivateKey[]): Agent {
  const connection: AgentConnection = {
    async answer(request) {
      const [type] = request;
      if (type === AgentMessage.listKeys) return encodeKeys(keys);
      if (type === AgentMessage.sign) return answerSign(keys, new WireReader(request.subarray(1)));
      return encodeMessage(AgentMessage.failure);
    },
    close() {},
  };
  return { connect: async () => connection };
}

function encodeKeys(keys: readonly PrivateKey[]): Buffer {
  const parts = keys.flatMap(({ publicBlob, comment }) => [encodeString(publicBlob), encodeString(comment)]);
  return encodeMessage(AgentMessage.keys, encodeUint32(keys.length), ...parts);
}

function answerSign(keys: readonly PrivateKey[], request: WireReader): Buffer {
  const [blob, data, flags] = [request.bytes(), request.bytes(), request.uint32()];
  const key = keys.find(({ publicBlob }) => publicBlob.equals(blob));
  if (key === undefined) return encodeMessage(AgentMessage.failure);
  return encodeMessage(AgentMessage.signature, encodeString(signData(key, data, flags)));
}

function signData({ key, type }: PrivateKey, data: Buffer, flags: number): Buffer {
  if (type === 'ssh-ed25519') return Buffer.concat([encodeString(type), encodeString(sign(null, data, key))]);
  if (type === 'ssh-rsa') {
    const [name, hash] =
      (flags & RSA_SHA2_512) !== 0
        ? ['rsa-sha2-512', 'sha512']
        : (flags & RSA_SHA2_256) !== 0
          ? ['rsa-sha2-256', 'sha256']
          : [type, 'sha1'];
    return Buffer.concat([encodeString(name), encodeString(sign(hash, data, key))]);
  }
  const pair = sign(ECDSA_HASHES[type], data, { key, dsaEncoding: 'ieee-p1363' });
  const half = pair.length / 2;
  const numbers = Buffer.concat([encodeInteger(pair.subarray(0, half)), encodeInteger(pair.subarray(half))]);
  return Buffer.concat([encodeString(type), encodeString(numbers)]);
}
