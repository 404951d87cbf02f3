import { resolve } from 'node:path';
import type { OutputSpec } from '../build-types.ts';
import { fullName } from '../images/names/names.ts';
import type { Descriptor } from '../oci/index.ts';
import { gatherAnnotations, makeManifest } from './annotations.ts';
import { withStream, writeDestination } from './destination.ts';
import type { AssembledImage, ExportContext } from './types.ts';

export type ArchiveOutput = Extract<OutputSpec, { readonly type: 'oci' | 'docker' }> & { readonly dest: string };

/** `type=oci` and `type=docker`: an archive, or with `tar=false` an OCI layout. Gives the image's manifest. */
export async function exportArchive(
  image: AssembledImage,
  output: ArchiveOutput,
  context: ExportContext,
): Promise<Descriptor> {
  const { images, onTask, signal } = context;
  const tasks = { onTask, signal };
  const { annotations = [], compression } = output;
  const said = gatherAnnotations([...annotations, ...(context.annotations ?? [])], image.platform);
  const descriptor = await makeManifest(image, said, context, compression ? { compression } : {});
  const contents = [{ descriptor, names: [...new Set(context.names.map(fullName))] }];
  onTask?.(`exporting manifest ${descriptor.digest}`, 0, 0, true);
  onTask?.('sending tarball', 0, 0);
  if (output.tar === false) await images.writeLayout(contents, resolve(output.dest), tasks);
  else
    await writeDestination(output.dest, context.stdoutFd ?? 1, (fd) =>
      withStream(fd, (stream) => images.writeArchive(contents, stream, { ...tasks, format: output.type })),
    );
  onTask?.('sending tarball', 0, 0, true);
  return descriptor;
}
