import { formatDuration } from '../../../quantities.ts';
import { syntaxError } from '../../errors.ts';
import type {
  CommandInstruction,
  HealthcheckInstruction,
  ListInstruction,
  OnbuildInstruction,
  ShellInstruction,
  TextInstruction,
} from '../../instructions/index.ts';
import { checkPort, checkShellForm, checkUsedOnce } from '../../lint/index.ts';
import type { StageCommand } from '../../stages/index.ts';
import { type Conversion, expandList, expandText, placeOf, type StageDraft } from '../draft.ts';
import { formatGoList, quoteGoList } from './go-format.ts';
import { addHistory } from './image.ts';
import { parsePorts } from './ports.ts';
import { shellCommand } from './shell-command.ts';
import { isSignal } from './signals.ts';

/** Instructions that only change the image's config. */

export function convertCommand(
  { lint }: Conversion,
  draft: StageDraft,
  instruction: CommandInstruction,
  command: StageCommand,
): void {
  const { image } = draft;
  const keyword = instruction.kind.toUpperCase();
  checkUsedOnce(lint, draft.lastPlaces, keyword);
  if (instruction.command.shell && !image.config.Shell?.length)
    checkShellForm(lint, keyword, placeOf(command, instruction.node.keyword));
  const args = shellCommand(image, instruction.command);
  if (instruction.kind === 'cmd') {
    image.config.Cmd = args;
    image.config.ArgsEscaped = true;
    draft.cmdSet = true;
    addHistory(image, `CMD ${quoteGoList(args)}`, false);
    return;
  }
  if (args.length > 0) image.config.Entrypoint = args;
  else delete image.config.Entrypoint;
  // A command that came with the base was meant for the base's entrypoint.
  if (!draft.cmdSet) delete image.config.Cmd;
  addHistory(image, `ENTRYPOINT ${quoteGoList(args)}`, false);
}

export function convertHealthcheck({ lint }: Conversion, draft: StageDraft, { health }: HealthcheckInstruction): void {
  checkUsedOnce(lint, draft.lastPlaces, 'HEALTHCHECK');
  draft.image.config.Healthcheck = health;
  const durations = [
    ['Interval', health.Interval],
    ['Timeout', health.Timeout],
    ['StartPeriod', health.StartPeriod],
    ['StartInterval', health.StartInterval],
  ] as const;
  const shown = durations.map(([name, value]) => `${name}:${formatDuration(value ?? 0)}`).join(' ');
  const test = formatGoList(health.Test ?? []);
  addHistory(draft.image, `HEALTHCHECK {Test:${test} ${shown} Retries:${health.Retries ?? 0}}`, false);
}

export function convertShell(draft: StageDraft, instruction: ShellInstruction): void {
  draft.image.config.Shell = instruction.shell;
  addHistory(draft.image, `SHELL ${formatGoList(instruction.shell)}`, false);
}

export function convertUser(
  conversion: Conversion,
  draft: StageDraft,
  instruction: TextInstruction,
  command: StageCommand,
): void {
  const user = expandText(conversion, draft, instruction.value.value, placeOf(command, instruction.value));
  draft.user = user;
  draft.image.config.User = user;
  addHistory(draft.image, `USER ${user}`, false);
}

export function convertStopSignal(
  conversion: Conversion,
  draft: StageDraft,
  instruction: TextInstruction,
  command: StageCommand,
): void {
  const place = placeOf(command, instruction.value);
  const signal = expandText(conversion, draft, instruction.value.value, place);
  if (!isSignal(signal))
    throw syntaxError(`invalid signal ${JSON.stringify(signal)}`, place, 'expected a number or a name such as SIGTERM');
  draft.image.config.StopSignal = signal;
  addHistory(draft.image, `STOPSIGNAL ${signal}`, false);
}

export function convertMaintainer(draft: StageDraft, instruction: TextInstruction): void {
  draft.image.author = instruction.value.value;
  addHistory(draft.image, `MAINTAINER ${instruction.value.value}`, false);
}

/** Far more than there are: a few words can name millions of them over and over. */
const MAX_PORTS = 1_000_000;

export function convertExpose(
  conversion: Conversion,
  draft: StageDraft,
  instruction: ListInstruction,
  command: StageCommand,
): void {
  const ports: string[] = [];
  for (const token of instruction.values) {
    const place = placeOf(command, token);
    for (const word of expandList(conversion, draft, token.value, place)) {
      checkPort(conversion.lint, word, place);
      try {
        for (const port of parsePorts(word)) ports.push(port);
        if (draft.image.ports.length + ports.length > MAX_PORTS) throw new Error(`more than ${MAX_PORTS} ports`);
      } catch (error) {
        throw syntaxError(`EXPOSE: ${error instanceof Error ? error.message : String(error)}`, place);
      }
    }
  }
  for (const port of ports) draft.image.ports.push(port);
  addHistory(draft.image, `EXPOSE ${formatGoList(ports)}`, false);
}

export function convertVolume(
  conversion: Conversion,
  draft: StageDraft,
  instruction: ListInstruction,
  command: StageCommand,
): void {
  const paths = instruction.values.map((token) => {
    const path = expandText(conversion, draft, token.value, placeOf(command, token));
    if (path === '') throw syntaxError('VOLUME cannot be an empty string', placeOf(command, token));
    return path;
  });
  for (const path of paths) draft.image.volumes.push(path);
  addHistory(draft.image, `VOLUME ${formatGoList(paths)}`, false);
}

/** Kept for the images that start from this one; it leaves no history. */
export function convertOnbuild(draft: StageDraft, instruction: OnbuildInstruction): void {
  draft.image.onbuild.push(instruction.expression);
}
