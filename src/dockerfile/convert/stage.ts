import { EnvList } from '../../llb/index.ts';
import type { StageInstruction } from '../instructions/index.ts';
import type { BuildStage, StageCommand } from '../stages/index.ts';
import { baseState, type ResolvedBase } from './bases.ts';
import { convertCopy } from './copy/copy.ts';
import type { Conversion, StageDraft } from './draft.ts';
import { inheritEnv } from './environment.ts';
import {
  convertCommand,
  convertExpose,
  convertHealthcheck,
  convertMaintainer,
  convertOnbuild,
  convertShell,
  convertStopSignal,
  convertUser,
  convertVolume,
} from './image/config.ts';
import { addDefaultPath, copyDraft } from './image/image.ts';
import { convertRun } from './run/run.ts';
import { convertArg, convertEnv, convertLabel } from './variables.ts';
import { convertWorkdir, setWorkdir } from './workdir.ts';

/** Starts a stage on its base: another stage that is done, or what `resolveBase` found. */
export function startStage(conversion: Conversion, stage: BuildStage, base: ResolvedBase | StageDraft): StageDraft {
  const inherited = 'stage' in base ? base : undefined;
  const image = inherited === undefined ? base.image : copyDraft(inherited.image);
  addDefaultPath(image);
  const draft: StageDraft = {
    stage,
    platform: base.platform,
    image,
    state: inherited?.state,
    env: inherited === undefined ? image.env : inheritEnv(inherited),
    touched: new Set(),
    cwd: '/',
    user: '',
    buildArgs: inherited?.buildArgs ?? EnvList.empty,
    cmdSet: false,
    workdirSet: inherited?.workdirSet ?? false,
    lastPlaces: new Map(),
    ignoreCache: ignoresCache(conversion, stage),
    stepIndex: 0,
    localContext: isOnlyRead(conversion, stage) ? base.localContext : undefined,
  };
  if (!('stage' in base)) draft.state = baseState(conversion, draft, base);
  // What is copied from a context that also gets steps, or that is the result, may be anything in it.
  if (base.localContext !== undefined && draft.localContext === undefined)
    conversion.contexts.read(base.localContext, '/');
  if (image.config.WorkingDir) setWorkdir(draft, image.config.WorkingDir);
  draft.user = image.config.User ?? '';
  return draft;
}

export function convertInstruction(conversion: Conversion, draft: StageDraft, command: StageCommand): void {
  const instruction: StageInstruction = command.instruction;
  switch (instruction.kind) {
    case 'add':
    case 'copy':
      convertCopy(conversion, draft, instruction, command);
      return;
    case 'arg':
      convertArg(conversion, draft, instruction, command);
      return;
    case 'cmd':
    case 'entrypoint':
      convertCommand(conversion, draft, instruction, command);
      return;
    case 'env':
      convertEnv(conversion, draft, instruction, command);
      return;
    case 'expose':
      convertExpose(conversion, draft, instruction, command);
      return;
    case 'healthcheck':
      convertHealthcheck(conversion, draft, instruction);
      return;
    case 'label':
      convertLabel(conversion, draft, instruction, command);
      return;
    case 'maintainer':
      convertMaintainer(draft, instruction);
      return;
    case 'onbuild':
      convertOnbuild(draft, instruction);
      return;
    case 'run':
      convertRun(conversion, draft, instruction, command);
      return;
    case 'shell':
      convertShell(draft, instruction);
      return;
    case 'stopsignal':
      convertStopSignal(conversion, draft, instruction, command);
      return;
    case 'user':
      convertUser(conversion, draft, instruction, command);
      return;
    case 'volume':
      convertVolume(conversion, draft, instruction, command);
      return;
    case 'workdir':
      convertWorkdir(conversion, draft, instruction, command);
      return;
  }
}

/** Other stages copy from it or mount it, and that is all: then a directory need not become a tree of its own. */
function isOnlyRead({ graph }: Conversion, stage: BuildStage): boolean {
  if (stage.commands.length > 0 || stage === graph.target) return false;
  return stage.index === undefined || !graph.stages.some(({ base }) => base === stage);
}

function ignoresCache(conversion: Conversion, stage: BuildStage): boolean {
  const { noCache, noCacheFilter } = conversion.request;
  return (
    noCache === true || (stage.name !== '' && (noCacheFilter ?? []).some((name) => name.toLowerCase() === stage.name))
  );
}
