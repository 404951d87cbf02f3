import type { OutputSpec } from '../build-types.ts';
import { fullName } from '../images/names/names.ts';
import type { Compression, Descriptor } from '../oci/index.ts';
import { gatherAnnotations, makeManifest } from './annotations.ts';
import { type ArchiveOutput, exportArchive } from './archive.ts';
import { assembleImage } from './assemble.ts';
import { destinationMissing, nameMissing } from './errors.ts';
import { exportLocal, exportTar } from './tree.ts';
import type { AssembledImage, BuiltTree, ExportContext, ExportResult } from './types.ts';

/**
 * Makes every output of a build, one after another. What cannot be made (no name to push, no place to write to) is refused before
 * the first. Throws `EXPORT_DEST_MISSING`, `EXPORT_NAME_MISSING`, `EXPORT_FAILED`.
 */
export async function exportResult(
  built: BuiltTree,
  outputs: readonly OutputSpec[],
  context: ExportContext,
): Promise<ExportResult> {
  for (const output of outputs) checkOutput(output, context);
  let image: AssembledImage | undefined;
  const assemble = async (): Promise<AssembledImage> => {
    context.onTask?.('exporting layers', 0, 0);
    if (image === undefined) {
      const { onTask, signal } = context;
      await context.trees.fetch(built.tree, outputs.some(keepsImage) ? 'all' : 'unreachable', { onTask, signal });
      image = await assembleImage(built, context, compressionWanted(outputs));
    }
    context.onTask?.('exporting layers', 0, 0, true);
    return image;
  };
  let manifest: Descriptor | undefined;
  const names: string[] = [];
  const pushed: string[] = [];
  for (const output of outputs) {
    context.signal?.throwIfAborted();
    if (output.type === 'tar') await exportTar(built, output.dest, context);
    else if (output.type === 'local') await exportLocal(built, output.dest, context);
    else if (isArchive(output)) {
      manifest = await exportArchive(await assemble(), output, context);
      names.push(...context.names.map(fullName));
    } else {
      const given = output.type === 'image' ? imageNames(output, context) : context.names.map(fullName);
      const made = await assemble();
      const own = output.annotations ?? [];
      const annotations = gatherAnnotations([...own, ...(context.annotations ?? [])], made.platform);
      // Otherwise a manifest says nothing that it could not say later, when somebody wants one.
      const saysMore = annotations !== undefined || made.listed.size > 0;
      if (saysMore) manifest = await makeManifest(made, annotations, context);
      names.push(...(await storeImage(made, saysMore ? manifest : undefined, given, context)));
      if (output.type === 'image' && output.push === true) {
        manifest = await pushNames(given, context).catch((error: unknown) => {
          context.trees.checkLost(built.tree, error, context.signal);
          throw error;
        });
        pushed.push(...given);
      }
    }
  }
  if (image === undefined) return { names, pushed };
  return { imageID: image.imageID, descriptor: manifest ?? image.descriptor, names: [...new Set(names)], pushed };
}

/** Without `dest`, `type=docker` loads the image where images are kept, as buildx does; here that is the store. */
function isArchive(output: OutputSpec): output is ArchiveOutput {
  return (output.type === 'oci' || output.type === 'docker') && output.dest !== undefined;
}

/** An image that stays in the store is to be whole; one that only passes through need not come here. */
function keepsImage(output: OutputSpec): boolean {
  return output.type === 'image' ? output.push !== true : output.type === 'docker' && output.dest === undefined;
}

/** How the layers will be wanted as blobs by some output; `undefined` when by none. */
function compressionWanted(outputs: readonly OutputSpec[]): Compression | undefined {
  for (const output of outputs) {
    if (isArchive(output)) return output.compression ?? 'gzip';
    if (output.type === 'image' && output.push === true) return 'gzip';
  }
  return undefined;
}

function checkOutput(output: OutputSpec, context: ExportContext): void {
  if (output.type === 'image') {
    if (output.push === true && imageNames(output, context).length === 0) throw nameMissing();
  } else if (output.type !== 'docker' && !output.dest) throw destinationMissing(output.type);
}

/** `-t` and `name=a,b`, in full and each once. */
function imageNames(output: Extract<OutputSpec, { readonly type: 'image' }>, context: ExportContext): string[] {
  const own = (output.name ?? '').split(',').filter((name) => name !== '');
  return [...new Set([...context.names, ...own].map(fullName))];
}

async function storeImage(
  image: AssembledImage,
  annotated: Descriptor | undefined,
  names: readonly string[],
  { images, onTask }: ExportContext,
): Promise<readonly string[]> {
  await images.recordImage(annotated ?? image.descriptor, names);
  onTask?.(`writing image ${image.imageID}`, 0, 0, true);
  for (const name of names) onTask?.(`naming to ${name}`, 0, 0, true);
  return names;
}

async function pushNames(names: readonly string[], context: ExportContext): Promise<Descriptor | undefined> {
  let manifest: Descriptor | undefined;
  for (const name of names) {
    const { images, onTask, signal } = context;
    manifest = (await images.pushImage(name, { onTask, signal })).descriptor;
    onTask?.(`pushing manifest for ${name}@${manifest.digest}`, 0, 0, true);
  }
  return manifest;
}
