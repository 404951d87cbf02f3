import type { CommandSpec } from '../command-spec.ts';
import { libraryOptions } from '../context.ts';

export const command: CommandSpec = {
  name: 'tag',
  usage: 'IMAGE NAME[:TAG]',
  summary: 'Give an image another name',
  examples: ['tsbuild tag app:1 registry.example/team/app:1'],
  options: [],
  minArgs: 2,
  maxArgs: 2,
  completes: 'image',
  async run(context, [source = '', name = '']) {
    const library = await context.library();
    await library.tagImage(source, name, libraryOptions(context));
  },
};
