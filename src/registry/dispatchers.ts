import type { SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { findProxy } from './proxy.ts';
import { createTlsContext, findTlsFiles } from './tls.ts';
import type { RegistryClientOptions } from './types.ts';

/** Which connections a request may take: pools of undici, by proxy and trust. */
export interface Dispatchers {
  find(url: URL, kind: 'read' | 'write', verifyTls: boolean): Promise<Dispatcher>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 15_000;

/**
 * Reading and writing have pools of their own: a copy within one registry holds a download open while it uploads, and with a shared pool
 * all connections could be downloads that wait for an upload that waits for a connection.
 */
export function createDispatchers(options: RegistryClientOptions, env: NodeJS.ProcessEnv): Dispatchers {
  const agents = new Map<string, Promise<Dispatcher>>();
  const contexts = new Map<string, Promise<SecureContext>>();
  const trusts = new Map<string, Trust>();

  const findTrust = (url: URL, verifyTls: boolean): Trust => {
    if (url.protocol !== 'https:' || !verifyTls) return { key: '' };
    let trust = trusts.get(url.host);
    if (trust === undefined) {
      trust = readTrust(url.host);
      trusts.set(url.host, trust);
    }
    return trust;
  };
  const readTrust = (host: string): Trust => {
    const files = findTlsFiles(host, env);
    if (files === undefined) return { key: '' };
    const key = JSON.stringify(files);
    const context = contexts.get(key) ?? createTlsContext(files, env);
    contexts.set(key, context);
    return { key, context };
  };

  return {
    find(url, kind, verifyTls) {
      const proxy = findProxy(url, env);
      const { key, context } = findTrust(url, verifyTls);
      const id = [kind, verifyTls, proxy ?? '', key].join(' ');
      let agent = agents.get(id);
      if (agent === undefined) {
        agent = createAgent({ proxy, verifyTls, context, connections: options.connectionsPerHost ?? 8 });
        agents.set(id, agent);
      }
      return agent;
    },
    async close() {
      const open = await Promise.allSettled(agents.values());
      agents.clear();
      await Promise.all(open.flatMap((agent) => (agent.status === 'fulfilled' ? [agent.value.destroy()] : [])));
    },
  };
}

/** What to trust of a host; hosts with the same files share a context. */
interface Trust {
  readonly key: string;
  readonly context?: Promise<SecureContext>;
}

interface AgentOptions {
  readonly proxy: string | undefined;
  readonly verifyTls: boolean;
  readonly context: Promise<SecureContext> | undefined;
  readonly connections: number;
}

async function createAgent({ proxy, verifyTls, context, connections }: AgentOptions): Promise<Dispatcher> {
  const { Agent, ProxyAgent } = await import('undici');
  const secureContext = await context;
  const tls = {
    timeout: CONNECT_TIMEOUT_MS,
    ...(secureContext === undefined ? {} : { secureContext }),
    ...(verifyTls ? {} : { rejectUnauthorized: false }),
  };
  if (proxy === undefined) return new Agent({ connections, connect: tls });
  return new ProxyAgent({
    uri: proxy,
    connections,
    requestTls: tls,
    ...(secureContext ? { proxyTls: { secureContext } } : {}),
  });
}
