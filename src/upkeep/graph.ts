import { createBlobSources, createLayerBlobs } from '../content/index.ts';
import { childrenInStore, readConfig } from '../images/graph.ts';
import { isDangling, showName } from '../images/names/names.ts';
import { createImageRecords } from '../images/names/records.ts';
import { chainIDs, type Descriptor, type Digest, isConfigType, shortDigest } from '../oci/index.ts';
import type { UpkeepContext } from './types.ts';

/** A thing of a store: `snapshot:<name>`, `blob:<digest>`; and what keeps things: `image:<name>`, `process:<id>`. */
export type NodeKey = string;

export interface Edge {
  readonly from: NodeKey;
  /** What the other is to this one: "its layer 3". */
  readonly why: string;
}

/** Who needs what. A thing stays as long as a way leads to it from an image or a process. */
export interface NeedGraph {
  /** Edges by what they lead to. */
  readonly needs: ReadonlyMap<NodeKey, readonly Edge[]>;
  /** What an image has, needed (there is no other form of it) or not. */
  readonly shared: ReadonlySet<NodeKey>;
  /** All that a way leads to from an image or a process. */
  readonly kept: ReadonlySet<NodeKey>;
  /** All that a way leads to from a process. */
  readonly held: ReadonlySet<NodeKey>;
}

export const snapshotKey = (name: string): NodeKey => `snapshot:${name}`;
export const blobKey = (digest: string): NodeKey => `blob:${digest}`;

/**
 * Reads all records. What an image needs is all that it takes to have it whole without asking anybody: of a manifest its blobs; of a
 * built image, of each layer one blob or, where there is none, the snapshot with all that it stands on. A snapshot of a layer that
 * has a blob is a convenience.
 *
 * @param holders who holds what, by name
 */
export async function readNeeds(
  context: UpkeepContext,
  holders: ReadonlyMap<string, readonly string[]>,
): Promise<NeedGraph> {
  const builder = new GraphBuilder(context);
  await builder.addImages();
  builder.addSnapshots();
  builder.addHolders(holders);
  return builder.finish();
}

class GraphBuilder {
  readonly #context: UpkeepContext;
  readonly #needs = new Map<NodeKey, Edge[]>();
  readonly #shared = new Set<NodeKey>();
  readonly #seen = new Set<NodeKey>();
  readonly #roots = { image: new Set<NodeKey>(), process: new Set<NodeKey>() };

  constructor(context: UpkeepContext) {
    this.#context = context;
  }

  async addImages(): Promise<void> {
    const { store, content } = this.#context;
    for (const { name, target, imageID } of createImageRecords(store, content).all()) {
      const shown = isDangling(name) ? `<none> ${shortDigest(imageID)}` : showName(name);
      this.#roots.image.add(`image:${shown}`);
      this.#add(`image:${shown}`, blobKey(target.digest), 'what its name points to');
      await this.#addTarget(target);
    }
  }

  addSnapshots(): void {
    for (const { name, parent, changesOf } of this.#context.snapshotter.list()) {
      if (parent !== undefined) this.#add(snapshotKey(name), snapshotKey(parent), 'what it stands on');
      if (changesOf !== undefined) this.#add(snapshotKey(name), snapshotKey(changesOf), 'where its files lie');
    }
  }

  addHolders(holders: ReadonlyMap<string, readonly string[]>): void {
    for (const [name, owners] of holders)
      for (const owner of owners) {
        this.#roots.process.add(`process:${owner}`);
        for (const key of [snapshotKey(name), blobKey(name)]) this.#add(`process:${owner}`, key, 'what it works with');
      }
  }

  finish(): NeedGraph {
    const below = new Map<NodeKey, NodeKey[]>();
    for (const [to, edges] of this.#needs)
      for (const { from } of edges) {
        const list = below.get(from);
        if (list === undefined) below.set(from, [to]);
        else list.push(to);
      }
    const reach = (roots: Iterable<NodeKey>): Set<NodeKey> => {
      const reached = new Set<NodeKey>();
      const queue = [...roots];
      for (let key = queue.pop(); key !== undefined; key = queue.pop())
        for (const next of below.get(key) ?? [])
          if (!reached.has(next)) {
            reached.add(next);
            queue.push(next);
          }
      return reached;
    };
    const held = reach(this.#roots.process);
    const kept = new Set([...held, ...reach(this.#roots.image)]);
    return { needs: this.#needs, shared: this.#shared, kept, held };
  }

  #add(from: NodeKey, to: NodeKey, why: string): void {
    const edges = this.#needs.get(to);
    if (edges === undefined) this.#needs.set(to, [{ from, why }]);
    else if (!edges.some((edge) => edge.from === from)) edges.push({ from, why });
  }

  async #addTarget(target: Descriptor): Promise<void> {
    const key = blobKey(target.digest);
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#shared.add(key);
    const { content } = this.#context;
    if (content.stat(target.digest) === undefined) return;
    // Only where nothing else says how the layers can be had.
    if (isConfigType(target.mediaType)) await this.#addLayers(key, target.digest, []);
    const children = await childrenInStore(content, target);
    const config = children.find(({ mediaType }) => isConfigType(mediaType));
    for (const [i, child] of children.entries()) {
      const isConfig = child === config;
      this.#add(
        key,
        blobKey(child.digest),
        isConfig ? 'its config' : config === undefined ? 'a part of it' : `its layer ${i}`,
      );
      if (isConfig) {
        this.#shared.add(blobKey(child.digest));
        this.#seen.add(blobKey(child.digest));
        await this.#addLayers(key, child.digest, children.slice(1));
      } else await this.#addTarget(child);
    }
  }

  /** @param blobs those that a manifest lists, one for each layer; none for a built image without a manifest */
  async #addLayers(from: NodeKey, config: Digest, blobs: readonly Descriptor[]): Promise<void> {
    const { store, content, chains } = this.#context;
    if (content.stat(config) === undefined) return;
    const diffIDs = await readConfig(content, config).then(
      ({ rootfs }) => rootfs.diff_ids,
      () => [],
    );
    const layerBlobs = createLayerBlobs(store, content);
    const sources = createBlobSources(store);
    for (const [i, chainID] of chainIDs(diffIDs).entries()) {
      const snapshot = chains.find(chainID);
      if (snapshot !== undefined) this.#shared.add(snapshotKey(snapshot));
      const listed = blobs[i];
      if (listed !== undefined) {
        const canBeHad = content.stat(listed.digest) !== undefined || sources.repositories(listed.digest).length > 0;
        if (canBeHad || snapshot === undefined) continue;
      }
      const known = layerBlobs.find(diffIDs[i] ?? chainID);
      for (const { digest } of known) this.#shared.add(blobKey(digest));
      const [first] = known;
      if (first !== undefined) this.#add(from, blobKey(first.digest), `its layer ${i + 1}`);
      else if (snapshot !== undefined)
        this.#add(from, snapshotKey(snapshot), `its layer ${i + 1}, of which there is no blob`);
    }
  }
}
