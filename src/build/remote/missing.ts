import type { BuildRequest } from '../../build-types.ts';
import type { SourceRange } from '../../dockerfile/position.ts';
import type { SourceOp } from '../../llb/ops.ts';
import { gitName, urlName } from '../../lockfile/index.ts';
import { familiarReference, formatPlatform, hostPlatform, type Platform, parseReference } from '../../oci/index.ts';
import { parseGitUrl, redactUrl, redactUrls } from '../../remote-url/index.ts';
import type { MainContext } from '../context/main.ts';

/** Something that a build would have to ask a server for, or that its lock file has not. */
export interface MissingInput {
  readonly kind: 'image' | 'layers' | 'url' | 'git' | 'push' | 'cache';
  /** Without credentials. */
  readonly name: string;
  readonly platform?: string;
  /** What gets it, or does it, while there is a network. */
  readonly command: string;
  /** Of the Dockerfile. */
  readonly range?: SourceRange;
}

/** An image that FROM, `COPY --from` or `RUN --mount=from` names. */
export function missingImage(reference: string, platform: Platform, range: SourceRange | undefined): MissingInput {
  const name = familiarReference(parseReference(reference));
  const shown = formatPlatform(platform);
  const flag = shown === formatPlatform(hostPlatform()) ? '' : `--platform ${shown} `;
  return {
    kind: 'image',
    name,
    platform: shown,
    command: `tsbuild pull ${flag}${name}`,
    ...(range === undefined ? {} : { range }),
  };
}

/** What a source op reads; `undefined` for a context of this machine. `place` is how the command line names Dockerfile and context. */
export function missingSource(op: SourceOp, place: string, range: SourceRange | undefined): MissingInput | undefined {
  const at = range === undefined ? {} : { range };
  const { identifier, attrs, platform = hostPlatform() } = op;
  const command = `tsbuild lock --fetch ${redactUrls(place)}`;
  if (/^https?:/.test(identifier)) return { kind: 'url', name: urlName(identifier), command, ...at };
  if (identifier.startsWith('git:')) return { kind: 'git', name: gitOpName(identifier, attrs), command, ...at };
  const [, reference] = /^docker-image:\/\/(.*)$/.exec(identifier) ?? [];
  return reference === undefined ? undefined : { ...missingImage(reference, platform, range), kind: 'layers' };
}

/** The main context, where it is fetched. */
export function missingContext(main: MainContext): MissingInput | undefined {
  if (main.type !== 'remote') return undefined;
  const { identifier, attrs } = main.source;
  return missingSource({ type: 'source', inputs: [], identifier, attrs }, main.text, undefined);
}

/** What a lock file has not, since the command line names it: the main context. */
export function contextNames(main: MainContext): readonly string[] {
  const context = missingContext(main);
  return context === undefined ? [] : [context.name];
}

function gitOpName(identifier: string, attrs: SourceOp['attrs']): string {
  const [place = '', fragment = ''] = identifier.split('#', 2);
  const url = parseGitUrl(`${attrs['git.fullurl'] ?? place}#${fragment}`);
  return url === undefined ? redactUrl(identifier) : gitName(url.remote, url.ref);
}

/** What the request itself asks of servers, whatever the Dockerfile says. */
export function missingOfRequest(request: BuildRequest): readonly MissingInput[] {
  const { push, outputs = [], tags = [], cacheFrom = [], cacheTo = [] } = request;
  const names = outputs.flatMap((output) =>
    output.type === 'image' && output.push ? (output.name?.split(',') ?? tags) : [],
  );
  const pushes = [...new Set(push ? [...names, ...tags] : names)];
  const places = [...(request.cacheMountsFrom ?? []), ...(request.cacheMountsTo ?? [])].map(({ place }) => place);
  const caches = [...cacheFrom, ...cacheTo, ...places].flatMap((spec) => (spec.type === 'registry' ? [spec.ref] : []));
  return [
    ...pushes.map((name) => ({ kind: 'push' as const, name, command: `tsbuild push ${name}` })),
    ...[...new Set(caches)].map((name) => ({
      kind: 'cache' as const,
      name,
      command: 'leave out its flag, or use a directory (type=local)',
    })),
  ];
}
