import type { Provider } from '../../content/index.ts';
import { type Descriptor, type Digest, isConfigType, isManifestType } from '../../oci/index.ts';
import type { Store } from '../../store/index.ts';
import { readManifest } from '../graph.ts';
import type { ImageRecord } from '../types.ts';
import { writeLayoutIndex, writeRecordsCopy } from './layout-index.ts';
import { danglingName } from './names.ts';

/**
 * The table `images`: what each name means. A change of names is one step under a lock of the whole store, since a name that moves
 * may leave an image without any, and since `index.json`, the same facts for other tools, must stay in step.
 */
export interface ImageRecords {
  get(name: string): ImageRecord | undefined;
  /** In the order of names. */
  all(): readonly ImageRecord[];
  /** The records of one image, dangling ones included. */
  ofImage(imageID: Digest): readonly ImageRecord[];
  /**
   * Gives names to an image; with none, makes it dangling unless it has some. An image whose last name this takes becomes
   * dangling. A bare config does not replace the manifest that the same image already has, if that says nothing of its own.
   */
  assign(names: readonly string[], target: Descriptor, imageID: Digest): Promise<readonly ImageRecord[]>;
  /** Points every record of an image that has only a config to its manifest. */
  retarget(imageID: Digest, manifest: Descriptor): Promise<void>;
  /** Brings `index.json` in step with blobs that have come since: an image that had gaps may be whole now. */
  refresh(): Promise<void>;
  /** Removes names; what loses its last name by it is gone, not dangling. */
  remove(names: readonly string[]): Promise<void>;
}

export function createImageRecords(store: Store, content: Pick<Provider, 'stat' | 'read'>): ImageRecords {
  const table = store.table<ImageRecord>('images');
  const all = (): ImageRecord[] => [...table.entries()].map(({ value }) => value);
  const ofImage = (imageID: Digest): ImageRecord[] => all().filter((record) => record.imageID === imageID);

  const change = async <T>(work: () => Promise<T>): Promise<T> => {
    const lock = await store.lock('images', { exclusive: true, wait: true });
    try {
      const result = await work();
      await writeLayoutIndex(store.paths.root, content, all());
      writeRecordsCopy(store.paths.meta, all());
      return result;
    } finally {
      lock?.release();
    }
  };

  return {
    get: (name) => table.get(name),
    all,
    ofImage,
    async assign(names, given, imageID) {
      const target = await chooseTarget(content, given, ofImage(imageID));
      const current = names.flatMap((name) => table.get(name) ?? []);
      const says = (record: ImageRecord): boolean =>
        record.imageID === imageID && JSON.stringify(record.target) === JSON.stringify(target);
      // A rebuild from the cache names what is named so already: nothing is locked, written or flushed.
      if (names.length > 0 && current.length === names.length && current.every(says)) return current;
      return change(async () => {
        const known = ofImage(imageID);
        const target = await chooseTarget(content, given, known);
        const losing = names
          .flatMap((name) => table.get(name) ?? [])
          // The same index, of which the store has got another platform, is no other image.
          .filter((record) => record.imageID !== imageID && record.target.digest !== target.digest);
        const unnamed = names.length === 0 && known.length === 0;
        const createdMs = Date.now();
        const made: ImageRecord[] = (unnamed ? [danglingName(imageID)] : names).map((name) => ({
          name,
          target,
          imageID,
          createdMs,
        }));
        for (const record of made) await table.put(record.name, record);
        if (names.length > 0) await table.remove(danglingName(imageID));
        for (const record of losing)
          if (ofImage(record.imageID).length === 0) {
            const name = danglingName(record.imageID);
            await table.put(name, { ...record, name });
          }
        return made.length > 0 ? made : known;
      });
    },
    retarget: (imageID, manifest) =>
      change(async () => {
        for (const record of ofImage(imageID))
          if (isConfigType(record.target.mediaType)) await table.put(record.name, { ...record, target: manifest });
      }),
    refresh: () => change(async () => {}),
    remove: (names) =>
      change(async () => {
        for (const name of names) await table.remove(name);
      }),
  };
}

/**
 * A bare config does not replace the manifest that its image already has. Annotations belong to the name that was built or pulled with
 * them, though: an image of the same config does not get them.
 */
async function chooseTarget(
  content: Pick<Provider, 'stat' | 'read'>,
  given: Descriptor,
  known: readonly ImageRecord[],
): Promise<Descriptor> {
  if (!isConfigType(given.mediaType)) return given;
  for (const { target } of known) if (await isPlainManifest(content, target)) return target;
  return given;
}

async function isPlainManifest(content: Pick<Provider, 'stat' | 'read'>, target: Descriptor): Promise<boolean> {
  if (!isManifestType(target.mediaType) || target.annotations !== undefined) return false;
  try {
    return Object.keys((await readManifest(content, target.digest)).annotations ?? {}).length === 0;
  } catch {
    // Damaged, or not here.
    return false;
  }
}
