import type { ConvertResult } from '../../dockerfile/convert/index.ts';
import { formatPlatform, formatReference, parseReference } from '../../oci/index.ts';
import { redactUrl } from '../../remote-url/index.ts';
import type { Workspace } from '../../workspace.ts';
import { locateError } from '../errors.ts';
import { runPhase } from '../phases.ts';
import { listRemoteSources } from '../remote/sources.ts';
import type { LockDraft } from './draft.ts';
import type { LockPlaces } from './places.ts';

/** Brings into the store all that a build of any stage would fetch. */
export async function fetchLocked(
  { places, dockerfile, signal }: LockPlaces,
  { seen }: LockDraft,
  converted: readonly ConvertResult[],
): Promise<void> {
  const { workspace, engine } = await places.open();
  for (const { reference, platform } of seen.values())
    await runPhase(places.sink, `[internal] fetch ${reference} (${formatPlatform(platform)})`, (reporter) =>
      workspace.images.pullImage(reference, { platform, signal, onTask: (...task) => reporter.task(...task) }),
    );
  for (const { reference } of seen.values()) await nameImage(workspace, reference);
  const sources = listRemoteSources(converted.flatMap((each) => [...each.listDefinitions()]));
  for (const { op, range } of sources) {
    if (op.identifier.startsWith('docker-image:')) continue;
    const work = async (): Promise<void> => {
      const resolved = await engine.resolveSource(op, { signal });
      if (resolved.isHere !== undefined && !(await resolved.isHere()))
        await runPhase(places.sink, `[internal] fetch ${redactUrl(op.identifier)}`, (reporter) =>
          resolved.fetch({
            signal,
            onTask: (...task) => reporter.task(...task),
            onLog: (data) => reporter.log(2, data),
          }),
        );
    };
    await work().catch((error: unknown) => {
      signal.throwIfAborted();
      throw locateError(error, range, dockerfile);
    });
  }
}

/** A build that is not locked looks for the tag: where the store has none, it is what was locked. */
async function nameImage({ images }: Pick<Workspace, 'images'>, pinned: string): Promise<void> {
  const { digest: _, ...named } = parseReference(pinned);
  if (named.tag === undefined || (await images.findImage(formatReference(named))) !== undefined) return;
  await images.tagImage(pinned, formatReference(named));
}
