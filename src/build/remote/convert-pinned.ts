import type { BuildRequest } from '../../build-types.ts';
import type { ConvertResult, ResolvedImage } from '../../dockerfile/convert/index.ts';
import { errorCode } from '../../errors.ts';
import type { SourceOp } from '../../llb/ops.ts';
import { OFFLINE_CODE } from '../../network.ts';
import type { ProgressSink } from '../../progress/events.ts';
import { isHttpUrl } from '../../remote-url/index.ts';
import type { MainContext } from '../context/main.ts';
import { type ConversionInput, convertDockerfile } from '../convert.ts';
import type { Engine } from '../engine.ts';
import { runPhase } from '../phases.ts';
import { refuseMissing, refuseUnlocked } from './errors.ts';
import type { BoundLock } from './late-pins.ts';
import { findLeftovers } from './leftovers.ts';
import { type MissingInput, missingContext, missingOfRequest, missingSource } from './missing.ts';
import { listRemoteSources, type PlacedSource } from './sources.ts';
import { createTolerantResolver } from './tolerant-resolver.ts';

const LOCK_MISSING = 'LOCK_MISSING';
const CODES = new Set([OFFLINE_CODE, LOCK_MISSING]);

export interface PinnedConversion extends ConversionInput {
  readonly engine: Engine;
  readonly sink: ProgressSink;
  /** Of a locked build. */
  readonly bound: BoundLock | undefined;
}

/**
 * Converts the Dockerfile of a build that is offline or locked: all that the lock file has not, or else all that would have to be asked for,
 * is told at once, before anything runs. Throws `OFFLINE`, `LOCK_MISSING`.
 */
export async function convertPinned(conversion: PinnedConversion): Promise<ConvertResult> {
  const { request, inputs, signal } = conversion;
  const noted: { readonly code: string; readonly input: MissingInput }[] = [];
  const note = (input: MissingInput, code: string): void => {
    noted.push({ code, input });
  };
  const known = new Map<string, ResolvedImage>();
  const meta = createTolerantResolver(conversion.meta, CODES, note, known);
  let converted: ConvertResult | undefined;
  let failure: unknown;
  let found: readonly FoundSource[] = [];
  try {
    converted = await convertDockerfile({ ...conversion, meta });
    const sources = listRemoteSources([converted.definition]);
    if (sources.length > 0) found = await lookAtSources(conversion, sources, note);
  } catch (error) {
    signal.throwIfAborted();
    // After an image of which nothing is known this may be its fault.
    if (noted.length === 0) throw error;
    failure = error;
  }
  const inputsOf = (code: string): MissingInput[] => noted.flatMap((each) => (each.code === code ? [each.input] : []));
  const { dockerfile } = inputs;
  refuseUnlocked(inputsOf(LOCK_MISSING), conversion.bound?.shown ?? '', dockerfile);
  if (request.offline) {
    const missing = [...inputsOf(OFFLINE_CODE), ...missingOfRequest(request)];
    // Of what may turn out not to be needed nothing is said before something is.
    if (missing.length > 0) refuseMissing([...missing, ...(await listAbsent(found, request))], dockerfile);
  }
  if (converted === undefined) throw failure;
  await warnOfLeftovers(conversion, known);
  return converted;
}

/** Does no harm, and is told as the checks are. */
async function warnOfLeftovers(conversion: PinnedConversion, known: ReadonlyMap<string, ResolvedImage>): Promise<void> {
  const { bound, sink, inputs, signal } = conversion;
  if (bound === undefined) return;
  const leftovers = await findLeftovers(conversion, bound.lock, known).catch(() => {
    signal.throwIfAborted();
    // Another stage or platform may be what cannot be converted.
    return [];
  });
  for (const { name } of leftovers)
    sink({
      warnings: [
        {
          vertex: inputs.vertex,
          level: 1,
          short: `${bound.shown} has ${name}, which nothing names: tsbuild lock removes it`,
        },
      ],
    });
}

/**
 * A step of an offline build had to have something that is not in the store: tells that, and all else that is not. `error` is passed on when
 * it is about something else.
 */
export async function explainOffline(
  error: unknown,
  {
    request,
    inputs,
    converted,
    engine,
    signal,
  }: Pick<PinnedConversion, 'request' | 'inputs' | 'engine' | 'signal'> & {
    readonly converted: ConvertResult;
  },
): Promise<unknown> {
  if (!request.offline || errorCode(error) !== OFFLINE_CODE) return error;
  const sources = listRemoteSources([converted.definition]);
  const found = await Promise.all(
    sources.map(async (source) => ({ source, resolved: await engine.resolveSource(source.op, { signal }) })),
  ).catch(() => []);
  try {
    refuseMissing(await listAbsent(found, request), inputs.dockerfile);
  } catch (explained) {
    return explained;
  }
  return error;
}

interface FoundSource {
  readonly source: PlacedSource;
  readonly resolved: Awaited<ReturnType<Engine['resolveSource']>>;
}

/** Notes what cannot be resolved; what is taken as it was last seen is said as the output of a step. */
async function lookAtSources(
  { engine, sink, signal, request }: PinnedConversion,
  sources: readonly PlacedSource[],
  note: (input: MissingInput, code: string) => void,
): Promise<readonly FoundSource[]> {
  const look = async (onLog: (data: Uint8Array) => void): Promise<readonly FoundSource[]> => {
    const found = await Promise.all(
      sources.map(async (source): Promise<readonly FoundSource[]> => {
        try {
          return [{ source, resolved: await engine.resolveSource(source.op, { signal, onLog }) }];
        } catch (error) {
          const input = missing(source.op, source.range, request);
          const code = errorCode(error) ?? '';
          if (input === undefined || !CODES.has(code)) throw error;
          note(input, code);
          return [];
        }
      }),
    );
    return found.flat();
  };
  if (!request.offline) return await look(() => {});
  return await runPhase(sink, '[internal] look for remote inputs in the store', (reporter) =>
    look((data) => reporter.log(2, data)),
  );
}

/** Those whose content would have to be fetched, should a step need it. */
async function listAbsent(found: readonly FoundSource[], request: BuildRequest): Promise<readonly MissingInput[]> {
  const absent = await Promise.all(
    found.map(async ({ source, resolved }) => {
      const isHere = (await resolved.isHere?.()) ?? true;
      return isHere ? undefined : missing(source.op, source.range, request);
    }),
  );
  return absent.filter((input) => input !== undefined);
}

function missing(op: SourceOp, range: PlacedSource['range'], request: BuildRequest): MissingInput | undefined {
  const { context, contextStream, dockerfile } = request;
  const flags = dockerfile === undefined ? '' : `-f ${dockerfile} `;
  return missingSource(op, flags + (contextStream === undefined ? context : '-'), range);
}

/** The context that holds the Dockerfile cannot be read without asking a server. Throws `OFFLINE` for it and all else that is known by then. */
export function explainUnloaded(error: unknown, request: BuildRequest, main: MainContext): unknown {
  const isOffline = request.offline && errorCode(error) === OFFLINE_CODE;
  if (!isOffline) return error;
  const source = missingContext(main);
  const { dockerfile = '', context } = request;
  const file = missingSource({ type: 'source', inputs: [], identifier: dockerfile, attrs: {} }, context, undefined);
  const unread = isHttpUrl(dockerfile) ? file : source;
  try {
    refuseMissing([...(unread === undefined ? [] : [unread]), ...missingOfRequest(request)]);
  } catch (explained) {
    return explained;
  }
  return error;
}
