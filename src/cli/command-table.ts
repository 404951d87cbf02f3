import type { CommandModule } from './command-spec.ts';

/** Every command: its full name, other names for it, what the overview says, and its module, loaded when it is called. */
export interface CommandEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  load(): Promise<CommandModule>;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'build',
    aliases: ['image build', 'builder build', 'buildx build', 'buildx b'],
    summary: 'Build an image from a Dockerfile',
    load: () => import('./commands/build.ts'),
  },
  {
    name: 'lock',
    aliases: [],
    summary: 'Write what a Dockerfile reads from elsewhere, by digest, to its lock file',
    load: () => import('./commands/lock.ts'),
  },
  {
    name: 'images',
    aliases: ['image ls', 'image list'],
    summary: 'List images',
    load: () => import('./commands/images.ts'),
  },
  {
    name: 'tag',
    aliases: ['image tag'],
    summary: 'Give an image another name',
    load: () => import('./commands/tag.ts'),
  },
  {
    name: 'rmi',
    aliases: ['image rm', 'image remove'],
    summary: 'Remove images',
    load: () => import('./commands/rmi.ts'),
  },
  {
    name: 'inspect',
    aliases: ['image inspect'],
    summary: 'Show everything about images',
    load: () => import('./commands/inspect.ts'),
  },
  {
    name: 'history',
    aliases: ['image history'],
    summary: 'Show how an image was made',
    load: () => import('./commands/history.ts'),
  },
  {
    name: 'save',
    aliases: ['image save'],
    summary: 'Write images to a tar archive',
    load: () => import('./commands/save.ts'),
  },
  {
    name: 'load',
    aliases: ['image load'],
    summary: 'Read images from a tar archive',
    load: () => import('./commands/load.ts'),
  },
  {
    name: 'pull',
    aliases: ['image pull'],
    summary: 'Get an image from a registry',
    load: () => import('./commands/pull.ts'),
  },
  {
    name: 'push',
    aliases: ['image push'],
    summary: 'Send an image to a registry',
    load: () => import('./commands/push.ts'),
  },
  {
    name: 'cache-mount ls',
    aliases: ['cache-mount list'],
    summary: 'List the caches of RUN --mount=type=cache',
    load: () => import('./commands/cache-mount-ls.ts'),
  },
  {
    name: 'cache-mount export',
    aliases: [],
    summary: 'Take caches of RUN --mount=type=cache to a registry, a directory or a tar',
    load: () => import('./commands/cache-mount-export.ts'),
  },
  {
    name: 'cache-mount import',
    aliases: [],
    summary: 'Bring caches of RUN --mount=type=cache from where they were exported to',
    load: () => import('./commands/cache-mount-import.ts'),
  },
  {
    name: 'cache-mount rm',
    aliases: ['cache-mount remove'],
    summary: 'Remove caches of RUN --mount=type=cache',
    load: () => import('./commands/cache-mount-rm.ts'),
  },
  {
    name: 'du',
    aliases: ['buildx du', 'builder du'],
    summary: 'Show what the store takes on disk, and what of that could go',
    load: () => import('./commands/du.ts'),
  },
  {
    name: 'prune',
    aliases: ['buildx prune', 'builder prune'],
    summary: 'Remove build cache that no image needs and no build uses',
    load: () => import('./commands/prune.ts'),
  },
  {
    name: 'image prune',
    aliases: [],
    summary: 'Remove images that lost their names',
    load: () => import('./commands/image-prune.ts'),
  },
  {
    name: 'system df',
    aliases: [],
    summary: 'Show what images and build cache take on disk',
    load: () => import('./commands/system-df.ts'),
  },
  {
    name: 'system prune',
    aliases: [],
    summary: 'Remove images that lost their names, and build cache that no image needs',
    load: () => import('./commands/system-prune.ts'),
  },
  {
    name: 'why-kept',
    aliases: [],
    summary: 'Show what keeps something in the store, and what would free it',
    load: () => import('./commands/why-kept.ts'),
  },
  {
    name: 'fsck',
    aliases: [],
    summary: 'Verify everything in the store, and repair it',
    load: () => import('./commands/fsck.ts'),
  },
  {
    name: 'context ls',
    aliases: ['context list'],
    summary: 'List what a build would see of its context, largest first',
    load: () => import('./commands/context-ls.ts'),
  },
  {
    name: 'builds ls',
    aliases: ['builds list'],
    summary: 'List the builds whose records are kept',
    load: () => import('./commands/builds-ls.ts'),
  },
  {
    name: 'builds inspect',
    aliases: [],
    summary: 'Show everything about a build, or why its steps ran',
    load: () => import('./commands/builds-inspect.ts'),
  },
  {
    name: 'builds attachment',
    aliases: [],
    summary: 'Print one thing that is kept of a build, as it was',
    load: () => import('./commands/builds-attachment.ts'),
  },
  {
    name: 'builds trace',
    aliases: [],
    summary: 'Write the steps of a build as a trace in OpenTelemetry’s JSON',
    load: () => import('./commands/builds-trace.ts'),
  },
  {
    name: 'builds logs',
    aliases: ['builds log'],
    summary: 'Print the whole log of a build',
    load: () => import('./commands/builds-logs.ts'),
  },
  {
    name: 'builds rm',
    aliases: ['builds remove'],
    summary: 'Remove records and logs of builds',
    load: () => import('./commands/builds-rm.ts'),
  },
  {
    name: 'builds export',
    aliases: [],
    summary: 'Write records, logs, Dockerfiles and keys of builds to a tar archive',
    load: () => import('./commands/builds-export.ts'),
  },
  {
    name: 'parse',
    aliases: [],
    summary: 'Show the instructions of a Dockerfile as they are understood',
    load: () => import('./commands/parse.ts'),
  },
  {
    name: 'version',
    aliases: ['buildx version'],
    summary: 'Show versions',
    load: () => import('./commands/version.ts'),
  },
  {
    name: 'completion',
    aliases: [],
    summary: 'Print a completion script for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
  { name: 'help', aliases: [], summary: 'Show help', load: () => import('./commands/help.ts') },
];
