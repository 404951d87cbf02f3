import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { SourceOp } from '../../src/llb/ops.ts';
import { native } from '../../src/native/index.ts';
import { createOverlaySnapshotter } from '../../src/snapshot/overlay/snapshotter.ts';
import type { Snapshotter } from '../../src/snapshot/snapshotter.ts';
import type { Source } from '../../src/source/index.ts';
import type { Store } from '../../src/store/index.ts';
import { openTestStore } from '../snapshot/test-store.ts';

export interface SourceRoom {
  readonly root: string;
  readonly store: Store;
  readonly snapshotter: Snapshotter;
  /** What sources may read, by id. */
  readonly secrets: Map<string, string>;
  readonly readSecrets: { readonly read: (id: string) => Promise<Buffer | undefined> };
}

/** A store of its own for the test of a source. */
export async function openSourceRoom(t: ExecutionContext): Promise<SourceRoom> {
  const { store, root } = await openTestStore(t);
  const secrets = new Map<string, string>();
  return {
    root,
    store,
    snapshotter: createOverlaySnapshotter(store, native),
    secrets,
    readSecrets: {
      read: async (id) => {
        const value = secrets.get(id);
        return value === undefined ? undefined : Buffer.from(value);
      },
    },
  };
}

export function sourceOp(op: Pick<SourceOp, 'identifier' | 'attrs'>): SourceOp {
  return { type: 'source', inputs: [], ...op };
}

export interface FetchedTree {
  /** The source's word for what it found. */
  readonly digest: string;
  /** Its directory, in the store. */
  readonly path: string;
}

/** Resolves and fetches at once. */
export async function fetchTree(
  { snapshotter }: Pick<SourceRoom, 'snapshotter'>,
  source: Source,
  op: Pick<SourceOp, 'identifier' | 'attrs'>,
  signal = new AbortController().signal,
): Promise<FetchedTree> {
  const resolved = await source.resolve(sourceOp(op), { signal });
  const result = await resolved.fetch({ signal });
  if (result.kind !== 'snapshot' || result.name === undefined) throw new Error('the source gave no tree');
  const [path = ''] = snapshotter.view(result.name).lowers;
  return { digest: resolved.digest, path: join(path) };
}
