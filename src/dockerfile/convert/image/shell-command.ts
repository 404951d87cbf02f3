import type { CommandLine } from '../../instructions/index.ts';
import type { ImageDraft } from './image.ts';

const DEFAULT_SHELL = ['/bin/sh', '-c'];

/** A command line with the shell in front where it is in shell form. */
export function shellCommand(image: ImageDraft, command: CommandLine): string[] {
  if (!command.shell) return [...command.args];
  const shell = image.config.Shell?.length ? image.config.Shell : DEFAULT_SHELL;
  return [...shell, command.args.join(' ')];
}
