import type { BuildRequest } from '../../build-types.ts';
import type { SourceContext } from '../../dockerfile/convert/types.ts';
import { native } from '../../native/index.ts';
import type { ProgressSink } from '../../progress/events.ts';
import type { Workspace } from '../../workspace.ts';
import { runPhase } from '../phases.ts';
import { toSourceContext } from './remote.ts';
import type { MainSpec } from './specs.ts';
import { receiveStream, type StreamContext } from './stream.ts';

/** The main context once it is known where its files are. */
export type MainContext =
  /** A directory of the user's. */
  | { readonly type: 'directory'; readonly directory: string }
  | ({ readonly type: 'stream' } & StreamContext)
  /** What a source gives, when something needs it. `text` is how the user wrote it. */
  | { readonly type: 'remote'; readonly text: string; readonly source: SourceContext };

/** Receives a stream; everything else is left where it is. Whoever opens a context closes it. */
export async function openMain(
  spec: MainSpec,
  openStore: () => Promise<Pick<Workspace, 'snapshotter'>>,
  options: { readonly request: BuildRequest; readonly sink: ProgressSink; readonly signal: AbortSignal },
): Promise<MainContext> {
  const { request, sink, signal } = options;
  switch (spec.type) {
    case 'directory':
      return { type: 'directory', directory: spec.path };
    case 'stream': {
      const { snapshotter } = await openStore();
      const received = await runPhase(sink, REMOTE_TITLE, (reporter) =>
        receiveStream(spec.stream, { snapshotter, native }, reporter, signal),
      );
      return { type: 'stream', ...received };
    }
    default: {
      const keepGitDir = isTrue(request.buildArgs?.BUILDKIT_CONTEXT_KEEP_GIT_DIR);
      return { type: 'remote', text: spec.text, source: toSourceContext(spec, { title: REMOTE_TITLE, keepGitDir }) };
    }
  }
}

/** Removes what a context left on disk for this build alone. */
export async function closeMain(main: MainContext | undefined): Promise<void> {
  if (main?.type === 'stream') await main.close();
}

const REMOTE_TITLE = '[internal] load remote build context';

/** As Go reads a boolean. */
function isTrue(text: string | undefined): boolean {
  return ['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text ?? '');
}
