import { createConnection, type Socket } from 'node:net';
import { readMessages } from './message-reader.ts';
import type { Agent } from './types.ts';
import { AgentMessage, encodeMessage, encodeString } from './wire.ts';

const CONNECT_TIMEOUT_MS = 2000;

/**
 * Asks the agent at `path`. Of what a build step sends, requests to name the keys and to sign pass; none that adds, removes or
 * locks keys, and no extension: a step uses the user's agent and does not change it.
 */
export function createForwarder(path: string): Agent {
  return {
    async connect() {
      const socket = await connectTo(path);
      const answers = readMessages(socket);
      return {
        async answer(request) {
          const [type] = request;
          if (type !== AgentMessage.listKeys && type !== AgentMessage.sign) return encodeMessage(AgentMessage.failure);
          socket.write(encodeString(request));
          const { value } = await answers.next();
          if (value === undefined) throw new Error('the agent hung up');
          return encodeString(value);
        },
        close() {
          socket.destroy();
        },
      };
    },
  };
}

async function connectTo(path: string): Promise<Socket> {
  const socket = createConnection(path);
  return await new Promise((resolve, reject) => {
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => socket.destroy(new Error('it does not answer')));
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', reject);
      // Whoever waits for an answer learns of it from the stream.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}
