import type { BuildRequest } from '../../build-types.ts';
import { createDevices } from '../../devices/index.ts';
import type { Pins } from '../../lockfile/index.ts';
import { native } from '../../native/index.ts';
import type { ProgressSink } from '../../progress/events.ts';
import { createSecrets, createSshAgents } from '../../secrets/index.ts';
import { openWorkspace } from '../../workspace.ts';
import { type ContextSpecs, readContextSpecs } from '../context/contexts.ts';
import { createTreeLoader } from '../context/load-tree.ts';
import { closeMain, type MainContext, openMain } from '../context/main.ts';
import { createEngine } from '../engine.ts';
import type { InputPlaces } from '../load.ts';

/** Where a call reads the Dockerfile from. */
export interface CallPlaces extends InputPlaces {
  readonly named: ContextSpecs['named'];
  /** The store, and what fetches into it; opened when first asked for. */
  open(): Promise<Pick<Awaited<ReturnType<typeof openFetcher>>, 'workspace' | 'engine'>>;
  close(): Promise<void>;
}

/** Opens what a call needs: a store only for a context, or a Dockerfile, that has to be received or fetched. */
export async function openPlaces(
  request: BuildRequest,
  sink: ProgressSink,
  signal: AbortSignal,
  pins?: Pins,
): Promise<CallPlaces> {
  const { main: spec, named } = readContextSpecs(request);
  let opened: ReturnType<typeof openFetcher> | undefined;
  let main: MainContext | undefined;
  const open = (): ReturnType<typeof openFetcher> => {
    opened ??= openFetcher(request, sink, signal, pins);
    return opened;
  };
  const close = async (): Promise<void> => {
    // What could not be opened was told to whoever asked first.
    const fetcher = await opened?.catch(() => undefined);
    await closeMain(main);
    await fetcher?.close();
  };
  try {
    main = await openMain(spec, async () => (await open()).workspace, { request, sink, signal });
  } catch (error) {
    await close();
    throw error;
  }
  return { main, named, sink, loadTree: async (context) => (await open()).loadTree(context), open, close };
}

async function openFetcher(request: BuildRequest, sink: ProgressSink, signal: AbortSignal, pins: Pins | undefined) {
  const workspace = await openWorkspace(request.root, request);
  const secrets = createSecrets(request.secrets ?? []);
  const sshAgents = createSshAgents(request.ssh ?? [], workspace.store);
  if (request.secrets?.length || request.ssh?.length) native.forbidCoreDumps();
  const devices = createDevices([]);
  const engine = createEngine({
    workspace,
    contexts: new Map(),
    layouts: new Map(),
    secrets,
    sshAgents,
    devices,
    pins,
    sink,
  });
  return {
    workspace,
    engine,
    loadTree: createTreeLoader(engine, workspace.snapshotter, signal),
    async close(): Promise<void> {
      secrets.dispose();
      await workspace.close();
    },
  };
}
