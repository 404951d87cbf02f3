import type { BuildRequest } from '../../build-types.ts';
import type { ConvertResult, NamedContext } from '../../dockerfile/convert/index.ts';
import { compilePatterns } from '../../dockerfile/ignore/index.ts';
import type { ProgressSink } from '../../progress/events.ts';
import type { LayoutContexts, LocalContext } from '../../source/index.ts';
import { type IgnoreInput, readNamedIgnore } from '../inputs.ts';
import type { Inputs } from '../load.ts';
import { runPhase } from '../phases.ts';
import type { MainContext } from './main.ts';
import { type NamedSpec, readNamedSpecs } from './named-specs.ts';
import { toNamedContext } from './remote.ts';
import { type MainSpec, readMainSpec } from './specs.ts';

/** What a build reads from, as it is written. */
export interface ContextSpecs {
  readonly main: MainSpec;
  readonly named: ReadonlyMap<string, NamedSpec>;
}

/** Looked at before any work is done. Throws `CONTEXT_UNREADABLE`, `CONTEXT_INVALID`, `GIT_URL_INVALID`. */
export function readContextSpecs(request: BuildRequest): ContextSpecs {
  return { main: readMainSpec(request), named: readNamedSpecs(request) };
}

/** For the conversion: what stands behind each name. */
export function toNamedContexts(named: ContextSpecs['named']): ReadonlyMap<string, NamedContext> {
  return new Map([...named].map(([name, spec]) => [name, toNamedContext(name, spec)]));
}

/** For the engine: the layouts by name. */
export function toLayouts(named: ContextSpecs['named']): LayoutContexts {
  const layouts = [...named].flatMap(([name, spec]) =>
    spec.type === 'layout' ? [[name, { path: spec.path, ...reference(spec) }] as const] : [],
  );
  return new Map(layouts);
}

function reference({ reference: value }: { readonly reference: string | undefined }): { readonly reference?: string } {
  return value === undefined ? {} : { reference: value };
}

/** What is known of a build's directories when its Dockerfile is converted. */
interface DirectoryInputs {
  readonly main: MainContext;
  readonly inputs: Pick<Inputs, 'ignore'>;
  readonly converted: Pick<ConvertResult, 'contexts'>;
  readonly named: ContextSpecs['named'];
  readonly request: Pick<BuildRequest, 'contextMode'>;
  readonly sink: ProgressSink;
}

/** Gives the engine the directories that steps read, each with its ignore file: a named one has its own, at its root. */
export async function addDirectories(
  directories: Map<string, LocalContext>,
  { main, inputs, converted, named, request, sink }: DirectoryInputs,
): Promise<void> {
  // For all that comes from the user's machine: what is fetched from elsewhere is the same for everybody.
  const mode = request.contextMode === 'git' ? { gitModes: true } : {};
  if (main.type === 'directory')
    directories.set('context', { directory: main.directory, ...toIgnore(inputs.ignore), ...mode });
  // What came in a stream is for the build as it came: nothing of it is left out, and its owners count.
  if (main.type === 'stream') directories.set('context', { directory: main.directory, isUnpacked: true, ...mode });
  for (const { name } of converted.contexts) {
    const spec = named.get(name);
    if (spec?.type !== 'directory') continue;
    const ignore = await runPhase(sink, `[context ${name}] load .dockerignore`, () => readNamedIgnore(spec.path));
    directories.set(name, { directory: spec.path, ...toIgnore(ignore), ...mode });
  }
}

function toIgnore({ patterns, name, lines }: IgnoreInput): Pick<LocalContext, 'ignore' | 'ignoreFile'> {
  return { ignore: compilePatterns(patterns), ignoreFile: { name, lines } };
}
