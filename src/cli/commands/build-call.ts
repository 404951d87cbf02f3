import type { BuildRequest } from '../../build-types.ts';
import { openDisplay, type ProgressMode } from '../../progress/display.ts';
import { suggest } from '../../suggest.ts';
import type { Context } from '../context.ts';
import { ReportedFailure } from '../exit-codes.ts';
import { parseBoolean } from '../flags/boolean.ts';
import { splitCsv } from '../flags/csv.ts';
import { formatJson } from '../format/json.ts';
import type { Library } from '../library.ts';
import { invalidFlag } from '../usage-errors.ts';

const METHODS = ['build', 'check', 'outline', 'targets'] as const;

/** What completion offers for `--call`. */
export const CALL_METHODS: readonly string[] = METHODS.flatMap((method) =>
  method === 'build' ? [method] : [method, `${method},format=json`],
);

/** `--call=check,format=json`. */
export interface Call {
  readonly method: (typeof METHODS)[number];
  readonly format: 'text' | 'json';
  /** What is found does not make the command fail. */
  readonly ignoreStatus: boolean;
}

/** Reads `--call` as buildx does: a method (none is `build`), then `format=json` and `ignorestatus=true`. Throws `FLAG_INVALID`. */
export function parseCall(text: string): Call {
  const [name = '', ...fields] = splitCsv(text) ?? [];
  const wanted = name === 'lint' ? 'check' : name || 'build';
  const method = METHODS.find((known) => known === wanted);
  if (method === undefined) throw invalid(text, `there is no ${JSON.stringify(name)} to call`, name, METHODS);
  let call: Call = { method, format: 'text', ignoreStatus: false };
  for (const field of fields) call = { ...call, ...readField(text, field) };
  return call;
}

function readField(text: string, field: string): Partial<Call> {
  const equals = field.indexOf('=');
  const [key, value] = equals < 0 ? [field, ''] : [field.slice(0, equals), field.slice(equals + 1)];
  if (key === 'format') {
    if (value === 'json' || value === 'text') return { format: value };
    throw invalid(text, `there is no format ${JSON.stringify(value)}`, value, ['json', 'text']);
  }
  if (key === 'ignorestatus') {
    const ignoreStatus = parseBoolean(value);
    if (ignoreStatus !== undefined) return { ignoreStatus };
    throw invalid(text, `${JSON.stringify(value)} is neither true nor false`, value, ['true', 'false']);
  }
  throw invalid(text, `it has no ${JSON.stringify(key)}`, key, ['format', 'ignorestatus']);
}

/** Calls a method in place of building; progress to standard error. */
export async function runCall(
  context: Context,
  request: BuildRequest,
  mode: ProgressMode,
  call: Call,
): Promise<CallResult> {
  const [display, library] = await Promise.all([
    openDisplay({ mode, stream: context.stderr, env: context.env, phase: 'Building' }),
    context.library(),
  ]);
  try {
    return await callLibrary(library, { ...request, onProgress: display.sink }, call);
  } finally {
    display.finish();
  }
}

/** To standard output; rejects where the command is to fail for what was found. */
export function showCallResult(context: Context, { format, ignoreStatus }: Call, result: CallResult): void {
  const { value, text, error, failed } = result;
  context.stdout.write(format === 'json' ? `${formatJson(value, 2)}\n` : text);
  if (error !== undefined) throw error;
  if (failed && !ignoreStatus) throw new ReportedFailure();
}

export interface CallResult {
  /** What programs read. */
  readonly value: unknown;
  readonly text: string;
  /** The file cannot be built. */
  readonly error?: Error;
  /** Something was found; absent where nothing is looked for. */
  readonly failed?: boolean;
}

/** The texts are made by code of their own, which a build does not load. */
async function callLibrary(library: Library, request: BuildRequest, { method }: Call): Promise<CallResult> {
  switch (method) {
    case 'outline': {
      const outline = await library.outlineDockerfile(request);
      const { formatOutline } = await import('../format/outline.ts');
      return { value: outline, text: formatOutline(outline) };
    }
    case 'targets': {
      const targets = await library.listTargets(request);
      const { formatTargets } = await import('../format/outline.ts');
      return { value: targets, text: formatTargets(targets) };
    }
    default: {
      const { report, error } = await library.checkDockerfile(request);
      const failed = report.warnings.length > 0;
      const { formatCheckReport } = await import('../format/check-report.ts');
      // Where the file cannot be built "no warnings" would be read as praise.
      const text = error === undefined || failed ? formatCheckReport(report) : '';
      return { value: report, text, failed, ...(error === undefined ? {} : { error }) };
    }
  }
}

function invalid(text: string, why: string, given: string, known: readonly string[]): Error {
  const near = suggest(given, known);
  return invalidFlag(
    '--call',
    text,
    why,
    near === undefined ? `it is one of ${known.join(', ')}` : `did you mean ${near}?`,
  );
}
