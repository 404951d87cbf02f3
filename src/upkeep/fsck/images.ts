import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBlobSources, createLayerBlobs } from '../../content/index.ts';
import { childrenInStore, imageIDOf, localManifest, readConfig, readManifest } from '../../images/graph.ts';
import { showName } from '../../images/names/names.ts';
import { createImageRecords } from '../../images/names/records.ts';
import type { ImageRecord } from '../../images/types.ts';
import {
  chainIDs,
  type Descriptor,
  type Digest,
  hostPlatform,
  isConfigType,
  isDigest,
  isIndexType,
} from '../../oci/index.ts';
import type { CheckContext } from './types.ts';

/** Image records ↔ manifests ↔ blobs and snapshots, and `index.json`. `good`: the blobs that may be believed. */
export async function checkImages(context: CheckContext, good: ReadonlySet<Digest>): Promise<number> {
  const { store, content, report } = context;
  const records = createImageRecords(store, content);
  let count = 0;
  for (const { key, value } of store.table<ImageRecord>('images').entries()) {
    count++;
    if (value.name !== key || !isDigest(value.target.digest)) {
      report({
        code: 'image-record',
        severity: 'error',
        subject: key,
        message: 'the record of the image makes no sense',
        repair: 'the name is removed',
        cure: async () => {
          await store.removeRecord(`images/${key}`);
          return true;
        },
      });
      continue;
    }
    await checkImage(context, good, value);
  }
  await checkIndex(context, () => records.refresh());
  return count;
}

async function checkImage(context: CheckContext, good: ReadonlySet<Digest>, record: ImageRecord): Promise<void> {
  const { store, content, report } = context;
  const { name, target } = record;
  const subject = showName(name);
  const missing = await findMissing(context, good, target);
  if (missing.metadata.length > 0) {
    report({
      code: 'image-broken',
      severity: 'error',
      subject,
      message: `${missing.metadata.join(', ')} ${missing.metadata.length === 1 ? 'is' : 'are'} missing or damaged`,
      ...(missing.metadata.includes(target.digest)
        ? {
            repair: 'the name is removed: nothing says any more what it meant; pull or build it again',
            cure: async () => {
              await store.removeRecord(`images/${name}`);
              return true;
            },
          }
        : {}),
    });
    return;
  }
  for (const { what, canBeFetched } of missing.layers)
    report({
      code: canBeFetched ? 'image-incomplete' : 'image-broken',
      severity: canBeFetched ? 'warning' : 'error',
      subject,
      message: `${what}${canBeFetched ? '; it is fetched when it is needed' : ' and nobody is known to have it: pull or build it again'}`,
    });
  const imageID = await imageIDOf(content, target).catch(() => record.imageID);
  if (imageID === record.imageID) return;
  report({
    code: 'image-record',
    severity: 'error',
    subject,
    message: `its ID is ${imageID}, the record says ${record.imageID}`,
    repair: 'the record is put right',
    cure: async () => {
      await store.table<ImageRecord>('images').put(name, { ...record, imageID });
      return true;
    },
  });
}

interface Missing {
  readonly metadata: readonly Digest[];
  readonly layers: readonly { readonly what: string; readonly canBeFetched: boolean }[];
}

async function findMissing(context: CheckContext, good: ReadonlySet<Digest>, target: Descriptor): Promise<Missing> {
  const { store, content, chains } = context;
  if (!good.has(target.digest)) return { metadata: [target.digest], layers: [] };
  let manifest: Descriptor | undefined = target;
  if (isIndexType(target.mediaType)) {
    const children = await childrenInStore(content, target).catch(() => undefined);
    if (children === undefined) return { metadata: [target.digest], layers: [] };
    const present = children.filter(({ digest }) => content.stat(digest) !== undefined);
    const bad = present.filter(({ digest }) => !good.has(digest)).map(({ digest }) => digest);
    if (bad.length > 0) return { metadata: bad, layers: [] };
    manifest = await localManifest(content, target, hostPlatform());
    // An index of which the store has no image is a name, and no more was asked for.
    if (manifest === undefined) return { metadata: [], layers: [] };
  }
  const isBare = isConfigType(manifest.mediaType);
  const read = isBare ? undefined : await readManifest(content, manifest.digest).catch(() => undefined);
  // The bytes are those of its digest, and they are no manifest.
  if (!isBare && read === undefined) return { metadata: [manifest.digest], layers: [] };
  const listed = read?.layers ?? [];
  const config = read?.config.digest ?? manifest.digest;
  if (!good.has(config)) return { metadata: [config], layers: [] };
  const diffIDs = (await readConfig(content, config).catch(() => undefined))?.rootfs.diff_ids ?? [];
  const layerBlobs = createLayerBlobs(store, content);
  const sources = createBlobSources(store);
  const layers: { what: string; canBeFetched: boolean }[] = [];
  for (const [i, chainID] of chainIDs(diffIDs).entries()) {
    const diffID = diffIDs[i] ?? chainID;
    const blobs = [...(listed[i] === undefined ? [] : [listed[i]]), ...layerBlobs.known(diffID)];
    const isHere = blobs.some(({ digest }) => good.has(digest)) || chains.find(chainID) !== undefined;
    if (isHere) continue;
    const canBeFetched = blobs.some(({ digest }) => sources.repositories(digest).length > 0);
    layers.push({ what: `its layer ${i + 1} (${diffID}) is not in the store`, canBeFetched });
  }
  return { metadata: [], layers };
}

/** `index.json` is an index, and lists what the records say. */
async function checkIndex({ store, report }: CheckContext, refresh: () => Promise<void>): Promise<void> {
  const path = join(store.paths.root, 'index.json');
  let why: string | undefined;
  try {
    const index = JSON.parse(readFileSync(path, 'utf8')) as { schemaVersion?: unknown; manifests?: unknown };
    if (index.schemaVersion !== 2 || !Array.isArray(index.manifests)) why = 'it is no OCI index';
    else {
      const names = new Set(Array.from(store.table<unknown>('images').entries(), ({ key }) => key));
      const listed = (index.manifests as { annotations?: Record<string, string> }[]).map(
        ({ annotations }) => annotations?.['io.containerd.image.name'] ?? '',
      );
      const unknown = listed.find((name) => !names.has(name));
      if (unknown !== undefined) why = `it lists ${unknown}, which no record names`;
    }
  } catch (error) {
    why = error instanceof Error ? error.message : 'it cannot be read';
  }
  if (why === undefined) return;
  report({
    code: 'index-stale',
    severity: 'error',
    subject: 'index.json',
    message: why,
    repair: 'it is written anew from the records',
    cure: async ({ later }) => {
      later(refresh);
      return true;
    },
  });
}
