import { posix } from 'node:path';
import { suggest } from '../../suggest.ts';
import { didYouMean } from '../errors.ts';
import type { DockerfileNode, InstructionNode } from '../parser/index.ts';
import type { SourceRange } from '../position.ts';
import type { Conversion } from './draft.ts';

/** Arguments that BuildKit and docker's client give of themselves, or that every build takes without an ARG. */
const UNDECLARED =
  /^(?:BUILDKIT_|SOURCE_DATE_EPOCH$|TARGET|BUILD(?:PLATFORM|OS|ARCH|VARIANT)$|(?:https?|ftp|no|all)_proxy$)/i;

/** docker/dockerfile of any registry (mirrors have it too), in any version and channel. */
const OWN_SYNTAX = /(?:^|\/)docker\/dockerfile(?:-upstream)?(?:[:@]|$)/;

/** `# syntax=` of another language: what is built may not be what its author meant. */
export function warnForeignSyntax({ request }: Pick<Conversion, 'request'>, ast: DockerfileNode): void {
  const directive = ast.directives.find(({ name }) => name === 'syntax');
  const image = directive?.value.split(/\s/)[0] ?? '';
  if (directive === undefined || OWN_SYNTAX.test(image)) return;
  request.onWarning?.({
    code: 'ForeignSyntax',
    message: `${image} is not run: the file is read as a Dockerfile of docker/dockerfile`,
    range: directive.valueRange,
  });
}

/** `COPY ../x`: a build sees nothing above its context, where `..` stays at the root as it does in a file system. */
export function warnOutside({ request }: Conversion, path: string, read: string, range: SourceRange): void {
  if (!posix.normalize(path).startsWith('..')) return;
  request.onWarning?.({
    code: 'CopyOutsideContext',
    message: `${JSON.stringify(path)} is above the build context; ${JSON.stringify(read)} of the context is read`,
    range,
  });
}

/** A `--build-arg` that no ARG of the file or of an ONBUILD trigger takes: most often a misspelled name. */
export function warnUnusedArgs({ request, drafts }: Conversion, ast: DockerfileNode): void {
  const declared = new Set(ast.instructions.flatMap(listArgNames));
  for (const draft of drafts.values()) for (const { name } of draft.buildArgs) declared.add(name);
  for (const name of Object.keys(request.buildArgs)) {
    if (declared.has(name) || UNDECLARED.test(name)) continue;
    const near = didYouMean(suggest(name, declared));
    request.onWarning?.({
      code: 'UnusedBuildArg',
      message: `no ARG takes the build argument ${name}${near === undefined ? '' : ` (${near})`}`,
      range: undefined,
    });
  }
}

/** A `--no-cache-filter` that names no stage of the file: nothing would tell that it did nothing. */
export function warnUnknownFilters({ request, graph }: Conversion): void {
  for (const name of request.noCacheFilter ?? []) {
    if (graph.byName.has(name.toLowerCase())) continue;
    const near = didYouMean(suggest(name, graph.byName.keys()));
    request.onWarning?.({
      code: 'UnknownCacheFilter',
      message: `--no-cache-filter: no stage has the name ${JSON.stringify(name)}${near === undefined ? '' : ` (${near})`}`,
      range: undefined,
    });
  }
}

function listArgNames(node: InstructionNode): readonly string[] {
  if (node.name === 'arg') return node.args.map(({ value }) => value.split('=', 1)[0] ?? '');
  return node.trigger === undefined ? [] : listArgNames(node.trigger);
}
