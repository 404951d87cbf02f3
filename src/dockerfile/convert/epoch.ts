import { TsbuildError } from '../../errors.ts';
import { type DockerfileError, stageError } from '../errors.ts';
import { parseStages, type Stage } from '../instructions/index.ts';
import { parseDockerfile } from '../parser/index.ts';
import type { SourceRange } from '../position.ts';
import { expand } from '../shell/index.ts';
import { findBuildArg, resolveGlobalArgs, SCRATCH } from '../stages/index.ts';
import { remoteOp } from './copy/remote.ts';
import { NamedContexts } from './named-contexts.ts';
import type { ConvertRequest, NamedContext, SourceContext } from './types.ts';

export const EPOCH_ARG = 'SOURCE_DATE_EPOCH';

/** The value of `SOURCE_DATE_EPOCH` that means the main context. */
const MAIN_CONTEXT = 'context';

/** What `SOURCE_DATE_EPOCH` says, as the build argument or as an ARG before the first FROM. */
export type EpochSpec =
  | { readonly type: 'seconds'; readonly text: string }
  /** As old as the main context. */
  | { readonly type: 'context' }
  /** As old as a tree that is fetched. */
  | { readonly type: 'source'; readonly source: SourceContext }
  /** It names a context whose age no two machines would agree on. */
  | { readonly type: 'none' };

/**
 * Finds what `SOURCE_DATE_EPOCH` means: a number, `context`, a named context, or a stage that does nothing but to fetch one thing
 * (`FROM scratch` and one ADD of a URL or a repository). `undefined` where nothing sets it, or where the file cannot be read: the conversion
 * says why. Throws `DOCKERFILE_STAGE` or
 * `BUILD_ARG_INVALID` for a name that is none of these.
 */
export function findEpoch(
  request: Pick<
    ConvertRequest,
    'source' | 'buildArgs' | 'target' | 'targetPlatform' | 'buildPlatform' | 'namedContexts'
  >,
): EpochSpec | undefined {
  const given = findBuildArg(request.buildArgs, EPOCH_ARG);
  if (given !== undefined) {
    const plain = readPlain(given);
    if (plain !== undefined || given === '') return plain;
  } else if (!request.source.includes(EPOCH_ARG)) {
    return undefined;
  }
  const { ast, diagnostics } = parseDockerfile(request.source);
  if (diagnostics.some(({ severity }) => severity === 'error')) return undefined;
  const { stages, globalArgs } = parseStages(ast);
  const args = new Map(resolveGlobalArgs(globalArgs, request, request.target ?? 'default', ast.escape));
  const value = given ?? args.get(EPOCH_ARG) ?? '';
  const plain = readPlain(value);
  if (plain !== undefined || value === '') return plain;
  const named = new NamedContexts(request.namedContexts).find(value, request.targetPlatform);
  if (named !== undefined && named.type !== 'stage') return ofContext(named);
  const name = named?.name ?? value;
  const stage = stages.find(({ from }) => from.stageName === name.toLowerCase());
  const range = globalArgs.flatMap((instruction) => instruction.args).find((arg) => arg.name === EPOCH_ARG)?.range;
  if (stage === undefined) throw unknownEpoch(value, given === undefined ? range : undefined);
  args.delete(EPOCH_ARG);
  return { type: 'source', source: readSourceStage(stage, args, request.buildArgs, ast.escape) };
}

/** The seconds that a request has settled on: as a build argument, or as what the ARG before the first FROM means. */
export function epochOf({
  buildArgs,
  sourceDateEpoch,
}: Pick<ConvertRequest, 'buildArgs' | 'sourceDateEpoch'>): number | undefined {
  const spec = readPlain(findBuildArg(buildArgs, EPOCH_ARG) ?? sourceDateEpoch ?? '');
  return spec?.type === 'seconds' ? Number(spec.text) : undefined;
}

/** With a range where the Dockerfile says it. */
function unknownEpoch(value: string, range: SourceRange | undefined): Error {
  const message = `${EPOCH_ARG} is ${JSON.stringify(value)}: neither a number nor a context nor a stage`;
  const hint =
    'give seconds since 1970 (git log -1 --format=%ct), "context", the name of a --build-context, or of a stage that fetches one thing';
  return range === undefined
    ? new TsbuildError('BUILD_ARG_INVALID', message, { hint })
    : stageError(message, range, hint);
}

function readPlain(value: string): EpochSpec | undefined {
  if (/^\d{1,12}$/.test(value)) return { type: 'seconds', text: value };
  return value === MAIN_CONTEXT ? { type: 'context' } : undefined;
}

function ofContext(named: Exclude<NamedContext, { readonly type: 'stage' }>): EpochSpec {
  return named.type === 'source' ? { type: 'source', source: named } : { type: 'none' };
}

/** What the only ADD of a stage fetches. */
function readSourceStage(
  { from, instructions }: Stage,
  globalArgs: ReadonlyMap<string, string>,
  buildArgs: Readonly<Record<string, string>>,
  escapeChar: string,
): SourceContext {
  const refuse = (why: string, range = from.node.range): DockerfileError =>
    stageError(`${EPOCH_ARG} names the stage ${from.stageName ?? ''}, but ${why}`, range, HINT);
  const args = new Map(globalArgs);
  const text = (word: string): string => expand(word, args, { escape: escapeChar }).result;
  if (text(from.base.value) !== SCRATCH) throw refuse('it does not start from scratch');
  let source: SourceContext | undefined;
  for (const instruction of instructions) {
    if (instruction.kind === 'arg') {
      for (const { name, value } of instruction.args) {
        const set = findBuildArg(buildArgs, name) ?? (value === undefined ? undefined : text(value));
        if (set !== undefined) args.set(name, set);
      }
      continue;
    }
    if (instruction.kind !== 'add')
      throw refuse(`it does more than to fetch: ${instruction.kind.toUpperCase()}`, instruction.node.range);
    const [path] = instruction.sources;
    if (source !== undefined || path === undefined || instruction.sources.length + instruction.contents.length > 1)
      throw refuse('it fetches more than one thing', instruction.node.range);
    const found = remoteOp(text(path.value), instruction, text(instruction.checksum), instruction.node.range);
    if (found === undefined) throw refuse('it adds what is neither a URL nor a repository', instruction.node.range);
    const { filename, ...op } = found;
    const title = `[internal] resolve ${EPOCH_ARG} source stage ${from.stageName ?? ''}`;
    source = { type: 'source', ...op, title, ...(filename === undefined ? {} : { archive: `/${filename}` }) };
  }
  if (source === undefined) throw refuse('it fetches nothing');
  return source;
}

const HINT = 'such a stage is FROM scratch, ARG if need be, and exactly one ADD of a URL or a git repository';
