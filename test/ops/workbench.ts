import {
  chmodSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { SecretSpec } from '../../src/build-types.ts';
import { createCacheMounts, createCacheStorage, createClaims } from '../../src/cache/index.ts';
import { createDevices } from '../../src/devices/index.ts';
import { createTrees } from '../../src/images/index.ts';
import { marshal, type State, sourceState } from '../../src/llb/index.ts';
import { native } from '../../src/native/index.ts';
import { digestOf } from '../../src/oci/index.ts';
import { createOpResolver, loadDefinition, type OpResult } from '../../src/ops/index.ts';
import { createExecutor } from '../../src/runtime/index.ts';
import { createSecrets, createSshAgents } from '../../src/secrets/index.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import type { Snapshotter } from '../../src/snapshot/snapshotter.ts';
import { createSolver } from '../../src/solver/index.ts';
import { createLocalSource, type LocalContext, type Source } from '../../src/source/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';
import { findCommands } from '../support/exec.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

/** A store with a busybox tree in it, and builds on it as `build.ts` makes them. */
export interface Workbench {
  readonly store: Store;
  readonly snapshotter: Snapshotter;
  readonly context: string;
  /** The rootfs: a snapshot with busybox. */
  readonly base: State;
  solve(head: State | undefined, options?: SolveOptions): Promise<Solved>;
  /** Reads a file of a result; `undefined` when it is not there. */
  read(result: OpResult | undefined, path: string): string | undefined;
}

export interface SolveOptions {
  readonly ignore?: string;
  readonly signal?: AbortSignal;
  readonly contexts?: Readonly<Record<string, LocalContext>>;
  readonly secrets?: readonly SecretSpec[];
}

export interface Solved {
  readonly result: OpResult | undefined;
  /** Names of steps that ran, sources left out. */
  readonly executed: readonly string[];
  readonly cached: readonly string[];
  readonly output: string;
}

const APPLETS = [
  'sh',
  'cat',
  'echo',
  'ls',
  'mkdir',
  'rm',
  'sleep',
  'test',
  'touch',
  'true',
  'stat',
  'seq',
  'id',
  'env',
  'cp',
  'chown',
  'chmod',
];

/** Opens a store of its own for a test, and ends it with the test. */
export async function openWorkbench(t: ExecutionContext): Promise<Workbench> {
  // Memory is quick, and has no history that slows the making of files down.
  const root = makeTempDir('ops', existsSync('/dev/shm') ? '/dev/shm' : undefined);
  const bench = await openWorkbenchAt(root);
  t.teardown(async () => {
    await bench.store.close();
    removeTree(root);
  });
  return bench;
}

export async function openWorkbenchAt(root: string): Promise<Workbench> {
  const store = await openStore(join(root, 'store'));
  const snapshotter = createOverlaySnapshotter(store, native);
  const nothingElsewhere = async () => {
    throw new Error('all trees are here');
  };
  const trees = createTrees(
    { unpackLayers: nothingElsewhere, fetchLayers: nothingElsewhere, recordSources: nothingElsewhere },
    snapshotter,
    createClaims(store),
  );
  const context = join(root, 'context');
  mkdirSync(context, { recursive: true });
  const name = await makeBusybox(snapshotter);
  const busybox: Source = {
    schemes: ['test'],
    resolve: async () => ({
      digest: digestOf('busybox'),
      cacheable: true,
      fetch: async () => ({ kind: 'snapshot', name }),
    }),
  };

  return {
    store,
    snapshotter,
    context,
    base: sourceState({ identifier: 'test://busybox', attrs: {} }, { name: 'busybox' }),

    async solve(head, { ignore, signal, contexts = {}, secrets = [] } = {}) {
      const cache = createCacheStorage(store, snapshotter);
      const main: LocalContext = { directory: context, ...(ignore === undefined ? {} : { ignore }) };
      const all = new Map<string, LocalContext>([['context', main], ...Object.entries(contexts)]);
      const resolveOp = createOpResolver({
        snapshotter,
        trees,
        executor: createExecutor(),
        native,
        cacheMounts: createCacheMounts(store, native),
        secrets: createSecrets(secrets),
        sshAgents: createSshAgents([], store),
        devices: createDevices([]),
        sources: [busybox, createLocalSource(all)],
        statCacheDirectory: store.paths.statCache,
      });
      const [executed, cached]: [string[], string[]] = [[], []];
      const output: Buffer[] = [];
      const solver = createSolver<OpResult>({
        cache,
        observer: {
          started() {},
          completed(vertex, outcome) {
            if (outcome.error === undefined && vertex.inputs.length > 0) {
              (outcome.cached ? cached : executed).push(vertex.name);
            }
          },
          reporter: () => ({ log: (_, data) => output.push(Buffer.from(data)), task() {} }),
        },
      });
      const edge = loadDefinition(marshal(head), resolveOp);
      const result = edge && (await solver.build(edge, signal === undefined ? {} : { signal }));
      await cache.flush();
      return { result, executed, cached, output: Buffer.concat(output).toString() };
    },

    read(result, path) {
      if (result?.kind !== 'snapshot' || result.name === undefined) return undefined;
      for (const lower of snapshotter.view(result.name).lowers) {
        const status = lstatSync(join(lower, path), { throwIfNoEntry: false });
        // A device here is a whiteout: the file was removed.
        if (status !== undefined) return status.isFile() ? readFileSync(join(lower, path), 'utf8') : undefined;
      }
      return undefined;
    },
  };
}

async function makeBusybox(snapshotter: Snapshotter): Promise<string> {
  const known = snapshotter.stat('busybox');
  if (known !== undefined) return known.name;
  const active = await snapshotter.prepare(undefined);
  const root = active.mount.upper ?? '';
  for (const folder of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder));
  chmodSync(join(root, 'tmp'), 0o1777);
  const [program] = findCommands('busybox');
  copyFileSync(program ?? 'busybox', join(root, 'bin/busybox'));
  for (const applet of APPLETS) symlinkSync('busybox', join(root, 'bin', applet));
  writeFileSync(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n');
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\napp:x:1000:\n');
  return (await active.commit('busybox')).name;
}

/** Writes files below a directory, making folders as needed. */
export function writeFiles(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
}
