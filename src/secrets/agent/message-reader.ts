import type { Socket } from 'node:net';
import { MAX_MESSAGE_BYTES } from './wire.ts';

/**
 * The messages that come through a socket, without their lengths, one at a time: no more is read while the receiver is at work, and
 * none is larger than the protocol's bound. Ends with the stream; throws for what is no message.
 */
export async function* readMessages(socket: Socket): AsyncGenerator<Buffer, void, undefined> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of socket) {
    pending = pending.length === 0 ? (chunk as Buffer) : Buffer.concat([pending, chunk as Buffer]);
    while (pending.length >= 4) {
      const length = pending.readUInt32BE(0);
      if (length === 0 || length > MAX_MESSAGE_BYTES) throw new RangeError(`an agent message of ${length} bytes`);
      if (pending.length < 4 + length) break;
      yield pending.subarray(4, 4 + length);
      pending = pending.subarray(4 + length);
    }
  }
}
