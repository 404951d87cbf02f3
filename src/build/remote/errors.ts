import { DockerfileError } from '../../dockerfile/errors.ts';
import { formatFrame } from '../../dockerfile/frame.ts';
import { errorMessage, TsbuildError } from '../../errors.ts';
import { OFFLINE_CODE } from '../../network.ts';
import type { DockerfileInput } from '../inputs.ts';
import type { MissingInput } from './missing.ts';

const MAX_FRAMES = 10;

/** Everything that is missing, at once. `missing` has the same as the message; `details.missing` is that as JSON. */
class MissingInputsError extends DockerfileError {
  readonly missing: readonly MissingInput[];
  readonly #text: string;

  constructor(
    code: string,
    message: string,
    hint: string,
    missing: readonly MissingInput[],
    dockerfile?: DockerfileInput,
  ) {
    const range = missing.find((input) => input.range !== undefined)?.range;
    const plain = missing.map(({ kind, name, platform, command, range: at }) => ({
      kind,
      name,
      ...(platform === undefined ? {} : { platform }),
      command,
      ...(at === undefined ? {} : { line: at.start.line }),
    }));
    super(code, message, {
      hint,
      details: { count: missing.length, missing: JSON.stringify(plain) },
      ...(dockerfile === undefined ? {} : { file: dockerfile.fileName, source: dockerfile.text }),
      ...(range === undefined ? {} : { range }),
    });
    this.missing = missing;
    this.#text = dockerfile?.text ?? '';
  }

  /** The lines around each of them. */
  override get frame(): string {
    const ranges = this.missing.flatMap(({ range }) => (range === undefined ? [] : [range]));
    const places = new Map(ranges.map((range) => [`${range.start.line}:${range.start.column + 1}`, range]));
    return [...places]
      .slice(0, MAX_FRAMES)
      .map(([place, range]) => `${this.file ?? 'Dockerfile'}:${place}\n${formatFrame(this.#text, range)}`)
      .join('\n\n');
  }
}

/** Throws where something is missing. */
export function refuseMissing(found: readonly MissingInput[], dockerfile?: DockerfileInput): void {
  if (found.length === 0) return;
  const missing = inFileOrder(found);
  const count = missing.length === 1 ? 'something' : `${missing.length} things`;
  throw new MissingInputsError(
    OFFLINE_CODE,
    [`--offline, and this build needs ${count} of the network:`, ...new Set(missing.map(describe))].join('\n'),
    'run these while there is a network, or build without --offline (TSBUILD_OFFLINE)',
    missing,
    dockerfile,
  );
}

/** Throws where the lock file has not all that is named. */
export function refuseUnlocked(found: readonly MissingInput[], lockPath: string, dockerfile: DockerfileInput): void {
  if (found.length === 0) return;
  const missing = inFileOrder(found);
  const names = new Set(
    missing.map(({ kind, name, platform }) => `${kind} ${name}${platform === undefined ? '' : ` (${platform})`}`),
  );
  throw new MissingInputsError(
    'LOCK_MISSING',
    [`${lockPath} has not all that the Dockerfile names:`, ...names].join('\n'),
    'bring it up to date with tsbuild lock, or build without --locked',
    missing,
    dockerfile,
  );
}

/** A Dockerfile that lies nowhere on this machine has nothing beside it. */
export function lockPlaceUnknown(fileName: string): TsbuildError {
  return new TsbuildError(
    'LOCK_UNREADABLE',
    `${fileName} lies on no disk here, so that nothing can be written beside it`,
    {
      hint: 'say where the lock file goes with --lock-file FILE, or --lock-file - for standard output',
    },
  );
}

export function unwritableLock(path: string, cause: unknown): TsbuildError {
  return new TsbuildError('FILE_UNWRITABLE', `cannot write the lock file ${path}: ${errorMessage(cause)}`, {
    cause,
    hint: 'name another with --lock-file',
    details: { path },
  });
}

/** `--update` of what is not there; `known` is what is. */
export function unknownLockName(
  name: string,
  path: string,
  known: readonly string[],
  near: string | undefined,
): TsbuildError {
  const some = known.slice(0, MAX_NAMES).join(', ');
  const rest = known.length > MAX_NAMES ? ` and ${known.length - MAX_NAMES} more` : '';
  const there = known.length === 0 ? 'it names nothing' : `it has ${some}${rest}`;
  return new TsbuildError('LOCK_NAME_UNKNOWN', `${path} has no ${JSON.stringify(name)} to update`, {
    hint: near === undefined ? there : `did you mean ${near}? ${there}`,
    details: { path, name },
  });
}

/** Of a lock file, in a hint. */
const MAX_NAMES = 20;

/** What is in no line of the file comes last; each once. */
function inFileOrder(missing: readonly MissingInput[]): readonly MissingInput[] {
  const line = ({ range }: MissingInput): number => range?.start.line ?? Number.POSITIVE_INFINITY;
  const once = new Map(missing.map((input) => [JSON.stringify(input), input]));
  return [...once.values()].sort((a, b) => (line(a) === line(b) ? 0 : line(a) - line(b)));
}

function describe({ kind, name, platform, command }: MissingInput): string {
  const what = kind === 'layers' ? 'layers of image' : kind === 'push' ? 'push of' : kind;
  return `${what} ${name}${platform === undefined ? '' : ` (${platform})`}: ${command}`;
}
