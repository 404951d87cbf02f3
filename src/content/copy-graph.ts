import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { TsbuildError } from '../errors.ts';
import {
  childrenOf,
  type Descriptor,
  isIndexType,
  isManifestType,
  MAX_MANIFEST_BYTES,
  type Platform,
} from '../oci/index.ts';
import { copyFailed, graphTooDeep } from './errors.ts';
import { fetchContent } from './fetch-content.ts';
import { createLimiter, type Limiter } from './limiter.ts';
import { selectPlatforms } from './platform-filter.ts';
import type { Fetcher, Mounter, Pusher, ReopenableContent } from './targets.ts';

export interface CopyOptions {
  /** Blobs under way at once. Default 6. */
  readonly concurrency?: number;
  /** Of each index, only what serves these platforms best. The index itself is copied unchanged: only into a place that allows gaps. */
  readonly platforms?: readonly Platform[];
  /** Repositories of the target that may have a blob already, best guess first; asked only for what the target lacks. */
  readonly mountFrom?: (descriptor: Descriptor) => readonly string[];
  /** Must not throw. */
  readonly onProgress?: (event: CopyEvent) => void;
  readonly signal?: AbortSignal;
}

/** `copying` comes any number of times with rising `current` (bytes); the other three end a descriptor. */
export interface CopyEvent {
  readonly descriptor: Descriptor;
  readonly status: 'copying' | 'copied' | 'exists' | 'mounted';
  readonly current: number;
}

/** What happened to each descriptor, children before parents. */
export interface CopyResult {
  readonly copied: readonly Descriptor[];
  readonly existing: readonly Descriptor[];
  readonly mounted: readonly Descriptor[];
}

export type CopyTarget = Pusher & Partial<Fetcher & Mounter>;

/** An index in an index in an index: nobody nests deeper, and each level multiplies what is held in memory. */
const MAX_DEPTH = 4;
const MANIFESTS_PER_LEVEL = 4;
const MOUNT_ATTEMPTS = 2;

/**
 * Copies `root` and everything that it points to: the one mover. Children are there before their parents, so that whatever
 * moment it ends, the target holds no manifest whose parts are missing. What exists is skipped, what can be mounted is mounted.
 * Errors keep their own code and say which descriptor and which side; the first one ends all transfers.
 */
export async function copyGraph(
  source: Fetcher,
  target: CopyTarget,
  root: Descriptor,
  options: CopyOptions = {},
): Promise<CopyResult> {
  const abort = new AbortController();
  const signal = options.signal === undefined ? abort.signal : AbortSignal.any([options.signal, abort.signal]);
  // Each request of each transfer listens; that is many, and no leak.
  setMaxListeners(0, signal);
  const copy = new GraphCopy(source, target, options, signal, createLimiter(options.concurrency ?? 6));
  try {
    options.signal?.throwIfAborted();
    await copy.copyNode(root, 0);
  } catch (error) {
    abort.abort(error);
    await copy.settle();
    options.signal?.throwIfAborted();
    throw error;
  }
  return copy.result;
}

class GraphCopy {
  readonly result = { copied: [] as Descriptor[], existing: [] as Descriptor[], mounted: [] as Descriptor[] };
  readonly #source: Fetcher;
  readonly #target: CopyTarget;
  readonly #options: CopyOptions;
  readonly #signal: AbortSignal;
  readonly #transfers: Limiter;
  /** A blob that two images share is moved once. */
  readonly #nodes = new Map<string, Promise<void>>();

  constructor(source: Fetcher, target: CopyTarget, options: CopyOptions, signal: AbortSignal, transfers: Limiter) {
    this.#source = source;
    this.#target = target;
    this.#options = options;
    this.#signal = signal;
    this.#transfers = transfers;
  }

  /** Waits until nothing is under way, whatever its outcome. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#nodes.values());
  }

  copyNode(descriptor: Descriptor, depth: number): Promise<void> {
    const key = `${descriptor.mediaType} ${descriptor.digest}`;
    const known = this.#nodes.get(key);
    if (known !== undefined) return known;
    const isParent = isManifestType(descriptor.mediaType) || isIndexType(descriptor.mediaType);
    const node = isParent
      ? this.#copyManifest(descriptor, depth)
      : this.#transfers.run(() => this.#copyBlob(descriptor));
    this.#nodes.set(key, node);
    return node;
  }

  async #copyManifest(descriptor: Descriptor, depth: number): Promise<void> {
    if (depth >= MAX_DEPTH) throw graphTooDeep(descriptor, MAX_DEPTH);
    this.#signal.throwIfAborted();
    const exists = await this.#exists(descriptor);
    if (exists && this.#target.keepsGraphsWhole) return this.#finish(descriptor, 'exists');
    const content = await this.#readManifest(descriptor, exists);
    await this.#copyChildren(descriptor, content, depth);
    if (exists) return this.#finish(descriptor, 'exists');
    await this.#push(descriptor, { open: (offset = 0) => Readable.from([content.subarray(offset)]) });
    this.#finish(descriptor, 'copied');
  }

  async #readManifest(descriptor: Descriptor, exists: boolean): Promise<Buffer> {
    const { fetch } = this.#target;
    const nearby = exists && fetch !== undefined;
    try {
      const from = nearby ? { fetch: fetch.bind(this.#target) } : this.#source;
      return await this.#transfers.run(() =>
        fetchContent(from, descriptor, MAX_MANIFEST_BYTES, { signal: this.#signal }),
      );
    } catch (error) {
      throw this.#explain(descriptor, nearby ? 'target' : 'source', error);
    }
  }

  async #copyChildren(descriptor: Descriptor, content: Buffer, depth: number): Promise<void> {
    let children: readonly Descriptor[];
    try {
      children = childrenOf(descriptor, content);
      const { platforms } = this.#options;
      if (platforms !== undefined && isIndexType(descriptor.mediaType))
        children = selectPlatforms(descriptor, children, platforms);
    } catch (error) {
      throw this.#explain(descriptor, 'source', error);
    }
    // The blobs of one manifest start together and wait for the limiter; manifests, which are held in memory until their
    // children are done, are taken a few at a time.
    const width = isIndexType(descriptor.mediaType) ? MANIFESTS_PER_LEVEL : children.length;
    const queue = children.values();
    const lanes = Array.from({ length: Math.min(width, children.length) }, async () => {
      for (const child of queue) await this.copyNode(child, depth + 1);
    });
    await Promise.all(lanes);
  }

  async #copyBlob(descriptor: Descriptor): Promise<void> {
    this.#signal.throwIfAborted();
    if (await this.#exists(descriptor)) return this.#finish(descriptor, 'exists');
    if (await this.#mount(descriptor)) return this.#finish(descriptor, 'mounted');
    await this.#push(descriptor, {
      open: (offset = 0) => this.#source.fetch(descriptor, { offset, signal: this.#signal }),
    });
    this.#finish(descriptor, 'copied');
  }

  async #exists(descriptor: Descriptor): Promise<boolean> {
    try {
      return await this.#target.exists(descriptor, { signal: this.#signal });
    } catch (error) {
      throw this.#explain(descriptor, 'target', error);
    }
  }

  async #mount(descriptor: Descriptor): Promise<boolean> {
    if (this.#target.mount === undefined) return false;
    const candidates = this.#options.mountFrom?.(descriptor) ?? [];
    for (const from of candidates.slice(0, MOUNT_ATTEMPTS))
      try {
        if (await this.#target.mount(descriptor, from, { signal: this.#signal })) return true;
      } catch (error) {
        throw this.#explain(descriptor, 'target', error);
      }
    return false;
  }

  async #push(descriptor: Descriptor, content: ReopenableContent): Promise<void> {
    const sourceFailures = new WeakSet<object>();
    const noteFailure = (error: unknown): void => {
      if (typeof error === 'object' && error !== null) sourceFailures.add(error);
    };
    const watched: ReopenableContent = {
      async open(offset) {
        try {
          const stream = await content.open(offset);
          stream.once('error', noteFailure);
          return stream;
        } catch (error) {
          noteFailure(error);
          throw error;
        }
      },
    };
    this.#report(descriptor, 'copying', 0);
    try {
      await this.#target.push(descriptor, watched, {
        signal: this.#signal,
        onProgress: (current) => this.#report(descriptor, 'copying', current),
      });
    } catch (error) {
      throw this.#explain(descriptor, hasCause(error, sourceFailures) ? 'source' : 'target', error);
    }
  }

  #explain(descriptor: Descriptor, side: 'source' | 'target', error: unknown): unknown {
    if (this.#signal.aborted) return this.#signal.reason;
    return error instanceof TsbuildError && 'side' in error.details ? error : copyFailed(descriptor, side, error);
  }

  #finish(descriptor: Descriptor, status: 'copied' | 'exists' | 'mounted'): void {
    const list = status === 'exists' ? 'existing' : status;
    this.result[list].push(descriptor);
    this.#report(descriptor, status, descriptor.size);
  }

  #report(descriptor: Descriptor, status: CopyEvent['status'], current: number): void {
    this.#options.onProgress?.({ descriptor, status, current });
  }
}

function hasCause(error: unknown, among: WeakSet<object>): boolean {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause)
    if (among.has(at)) return true;
  return false;
}
