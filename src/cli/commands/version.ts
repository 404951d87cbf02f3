import { release } from 'node:os';
import { formatPlatform, hostPlatform } from '../../oci/platform.ts';
import { VERSION } from '../../version.ts';
import type { CommandSpec } from '../command-spec.ts';
import { compileTemplate } from '../format/template.ts';

interface VersionFlags {
  readonly format?: string;
}

export const command: CommandSpec<VersionFlags> = {
  name: 'version',
  usage: '[OPTIONS]',
  summary: 'Show versions',
  examples: ["tsbuild version --format '{{.Version}}'"],
  options: [{ flags: '-f, --format <format>', description: '"json" or a Go template' }],
  minArgs: 0,
  maxArgs: 0,
  run(context, _args, flags) {
    const fields = {
      Version: VERSION,
      NodeVersion: process.versions.node,
      Platform: formatPlatform(hostPlatform()),
      KernelVersion: release(),
    };
    const { format } = flags;
    if (format === 'json') context.stdout.write(`${JSON.stringify(fields)}\n`);
    else if (format) context.stdout.write(`${compileTemplate(format).execute(fields)}\n`);
    else {
      const lines = Object.entries({
        tsbuild: VERSION,
        node: fields.NodeVersion,
        platform: fields.Platform,
        kernel: fields.KernelVersion,
      });
      context.stdout.write(lines.map(([name, value]) => `${`${name}:`.padEnd(10)}${value}\n`).join(''));
    }
  },
};
