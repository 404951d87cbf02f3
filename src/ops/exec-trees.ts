import { lstatSync, realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CacheMountLease, CacheMountRequest, CacheSeed } from '../cache/index.ts';
import { canonicalJson } from '../llb/index.ts';
import type { ExecMount, ExecOp } from '../llb/ops.ts';
import type { LocalResult, PresentResult } from '../llb/results.ts';
import { digestOf, type RootMount } from '../oci/index.ts';
import type { ProcessMount } from '../runtime/executor.ts';
import type { ActiveSnapshot } from '../snapshot/snapshotter.ts';
import type { ContentReader } from './content.ts';
import { invalidDefinition } from './errors.ts';
import { readSource } from './file.ts';
import { mountSelections } from './selections.ts';
import type { OpDependencies } from './types.ts';
import { viewResult } from './view.ts';
import { watchJob } from './watch.ts';

type CacheMount = Extract<ExecMount, { readonly type: 'cache' }>;
type BindMount = Extract<ExecMount, { readonly type: 'bind' }>;

const SHARING_ORDER = ['shared', 'locked', 'private'] as const;

/** The trees of one exec op while it runs: what it mounts, and what becomes of that afterwards. */
export class ExecTrees {
  readonly #op: ExecOp;
  readonly #inputs: readonly PresentResult[];
  readonly #deps: OpDependencies;
  readonly #content: ContentReader;
  readonly #signal: AbortSignal;
  readonly #actives: ActiveSnapshot[] = [];
  readonly #outputs = new Map<number, ActiveSnapshot | string | undefined>();
  readonly #leases = new Map<string, CacheMountLease>();
  #root: RootMount | undefined;
  #mounts: ProcessMount[] = [];

  constructor(
    op: ExecOp,
    inputs: readonly PresentResult[],
    deps: OpDependencies,
    content: ContentReader,
    signal: AbortSignal,
  ) {
    this.#op = op;
    this.#inputs = inputs;
    this.#deps = deps;
    this.#content = content;
    this.#signal = signal;
  }

  get root(): RootMount {
    if (this.#root === undefined) throw invalidDefinition('an exec op has no mount at /');
    return this.#root;
  }

  get mounts(): readonly ProcessMount[] {
    return this.#mounts;
  }

  /** Makes everything that is to be mounted. On a failure the caller still calls `release`. */
  async prepare(): Promise<void> {
    await this.#takeCaches();
    for (const mount of this.#op.mounts) {
      this.#signal.throwIfAborted();
      if (mount.type === 'bind') await this.#addTree(mount);
      else if (mount.type === 'tmpfs') this.#mounts.push(mount);
      else if (mount.type === 'cache') this.#addCache(mount);
    }
  }

  /** Freezes what became an output; one result for each. */
  async commit(): Promise<readonly PresentResult[]> {
    const count = Math.max(-1, ...this.#outputs.keys()) + 1;
    const results: PresentResult[] = [];
    for (let i = 0; i < count; i++) {
      const output = this.#outputs.get(i);
      if (output === undefined && !this.#outputs.has(i)) throw invalidDefinition(`an exec op has no output ${i}`);
      const name = typeof output === 'object' ? (await output.commit()).name : output;
      results.push({ kind: 'snapshot', name });
    }
    return results;
  }

  /** Drops what was not committed, and lets others at the caches. */
  async release(): Promise<void> {
    for (const lease of this.#leases.values()) lease.release();
    this.#leases.clear();
    // One that was committed is gone as an active snapshot: then this does nothing. A sweep gets what cannot be removed now.
    await Promise.allSettled(this.#actives.map((active) => active.remove()));
  }

  async #addTree(mount: BindMount): Promise<void> {
    const name = await this.#snapshotOf(mount.input);
    const isRoot = mount.target === '/';
    let tree: RootMount;
    if (mount.readonly) {
      tree = viewResult(this.#deps.snapshotter, name);
      if (mount.output >= 0) this.#outputs.set(mount.output, name);
    } else {
      const active = await this.#deps.snapshotter.prepare(name);
      this.#actives.push(active);
      tree = active.mount;
      if (mount.output >= 0) this.#outputs.set(mount.output, active);
    }
    if (isRoot) this.#root = tree;
    else
      this.#mounts.push({
        type: 'tree',
        target: mount.target,
        tree,
        selector: mount.selector,
        readonly: mount.readonly,
      });
  }

  #addCache(mount: CacheMount): void {
    const lease = this.#leases.get(cacheKey(mount));
    if (lease === undefined) throw invalidDefinition(`the cache ${mount.id} was not taken`);
    this.#mounts.push({
      type: 'tree',
      target: mount.target,
      tree: lease.mount,
      selector: '/',
      readonly: mount.readonly,
    });
  }

  /**
   * Takes each cache once, however often it is mounted, and in an order that is the same for all steps: two that want the same
   * two locked caches cannot each hold one and wait for the other.
   */
  async #takeCaches(): Promise<void> {
    const caches = new Map<string, CacheMount>();
    for (const mount of this.#op.mounts) {
      if (mount.type !== 'cache') continue;
      const known = caches.get(cacheKey(mount));
      const stricter =
        known === undefined || SHARING_ORDER.indexOf(mount.sharing) > SHARING_ORDER.indexOf(known.sharing);
      if (stricter) caches.set(cacheKey(mount), mount);
    }
    for (const [key, mount] of [...caches].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const lease = await this.#deps.cacheMounts.acquire(await this.#cacheRequest(mount));
      this.#leases.set(key, lease);
    }
  }

  async #cacheRequest({ id, sharing, mode, uid, gid, owned, input, selector }: CacheMount): Promise<CacheMountRequest> {
    const request = { id, sharing, mode, uid, gid, signal: this.#signal };
    if (input < 0) return request;
    const name = await this.#snapshotOf(input);
    const { native, snapshotter } = this.#deps;
    const signal = this.#signal;
    const seed: CacheSeed = {
      name: `${name ?? ''} ${selector}`,
      async fill(root) {
        const sources = [readSource({ kind: 'snapshot', name }, snapshotter)];
        await watchJob(native, { signal }, (watch) =>
          native.changeTree({ root, sources, actions: [copyTree(selector, '/')], watch }),
        );
      },
    };
    // A step that says nothing of the owner gets the tree's top directory as it is.
    return { ...request, ...(owned ? {} : readAttributes(viewResult(snapshotter, name), selector)), seed };
  }

  async #snapshotOf(input: number): Promise<string | undefined> {
    if (input < 0) return undefined;
    const result = this.#inputs[input];
    if (result === undefined) throw invalidDefinition(`an exec op mounts input ${input}, which it has not`);
    return result.kind === 'snapshot' ? result.name : await this.#stage(result, input);
  }

  /**
   * Copies what is mounted of a local directory into a snapshot: the process is to see neither what the ignore file excludes nor
   * changes that are made meanwhile. Content that was staged before is found by its name.
   */
  async #stage(local: LocalResult, input: number): Promise<string> {
    const { native, snapshotter } = this.#deps;
    const selections = mountSelections(this.#op, input);
    if (selections === undefined) throw invalidDefinition('a step would write into a directory of the user');
    const content = await this.#content.digest(local, selections, { signal: this.#signal });
    const name = digestOf(`staged ${canonicalJson([content, selections.map(({ path }) => path)])}`);
    if ((await snapshotter.claim(name)) !== undefined) return name;
    const active = await snapshotter.prepare(undefined);
    this.#actives.push(active);
    const actions = selections.map(({ path }) => copyTree(path, path));
    const sources = [readSource(local, snapshotter)];
    const user = { signal: this.#signal };
    await watchJob(native, user, (watch) => native.changeTree({ root: active.mount, sources, actions, watch }));
    await this.#content.verify(local, selections, user);
    return (await active.commit(name)).name;
  }
}

/** Mode and owner of a directory in a read-only tree; empty where that is not simply to be seen. */
function readAttributes({ lowers }: RootMount, path: string): { mode?: number; uid?: number; gid?: number } {
  try {
    for (const lower of lowers) {
      const status = lstatSync(join(lower, path), { throwIfNoEntry: false });
      if (status === undefined) continue;
      // A link on the way could lead out of the tree: then the defaults do.
      const inside = realpathSync(join(lower, path)) === resolve(realpathSync(lower), `.${path}`);
      return inside && status.isDirectory() ? { mode: status.mode & 0o7777, uid: status.uid, gid: status.gid } : {};
    }
  } catch {
    // A part of the path is no directory in this layer: it was removed or replaced there.
  }
  return {};
}

function cacheKey({ id, mode, uid, gid, input, selector }: CacheMount): string {
  return JSON.stringify([id, mode, uid, gid, input, selector]);
}

/** A copy of one file, or of what is in a directory, as it is. */
function copyTree(src: string, dest: string) {
  return {
    type: 'copy',
    source: 0,
    src,
    dest,
    followSymlinks: true,
    dirCopyContents: true,
    allowWildcard: false,
    allowEmptyWildcard: false,
    createDestPath: true,
    attemptUnpack: false,
  } as const;
}
