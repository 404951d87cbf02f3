import { PROGRESS_MODES } from '../../progress/display.ts';
import { type CommandSpec, collect } from '../command-spec.ts';
import { collectAnnotation } from '../flags/annotation.ts';
import { collectContext } from '../flags/build-context.ts';
import { collectCacheFrom, collectCacheTo } from '../flags/cache.ts';
import { collectMountFrom, collectMountTo } from '../flags/cache-mount.ts';
import { collectHost } from '../flags/hosts.ts';
import { collectOutput } from '../flags/output.ts';
import { collectEntitlement, collectSecret, collectSsh } from '../flags/secrets.ts';
import { collectMissStages, collectStages } from '../flags/stages.ts';
import { unsupportedOptions } from '../flags/unsupported.ts';
import { CONTEXT_MODES, collectTag, NETWORK_MODES, PULL_POLICIES, readParallelism } from '../flags/values.ts';
import { CALL_METHODS, parseCall } from './build-call.ts';
import type { BuildFlags } from './build-request.ts';

/** The flags of `build`, as help and completion show them. */
export const BUILD_OPTIONS: CommandSpec<BuildFlags>['options'] = [
  {
    flags: '--add-host <host=ip>',
    description: "Add a line to the steps' /etc/hosts (repeatable; host-gateway is this machine)",
    parse: collectHost,
  },
  {
    flags: '--allow <entitlement>',
    description: 'Right that steps may use: network.host, security.insecure, device[=name] (repeatable)',
    parse: collectEntitlement,
    suggests: ['network.host', 'security.insecure', 'device'],
  },
  {
    flags: '--annotation <annotation>',
    description: 'Annotate the image, [place[platform]:]key=value (repeatable)',
    parse: collectAnnotation,
  },
  { flags: '--build-arg <name=value>', description: 'Set a build argument (repeatable)', parse: collect },
  {
    flags: '--build-arg-file <file>',
    description: 'Read build arguments from lines NAME=value (repeatable; --build-arg wins)',
    parse: collect,
    completes: 'file',
  },
  {
    flags: '--build-context <name=value>',
    description: 'What stands for a stage, an image or a --from: a directory, docker-image://…, oci-layout://…, a URL',
    parse: collectContext,
  },
  {
    flags: '--cache-from <source>',
    description: 'Take steps from a cache: an image, or type=registry,ref=…, type=local,src=… (repeatable)',
    parse: collectCacheFrom,
    suggests: ['type=registry,ref=', 'type=local,src='],
  },
  {
    flags: '--cache-mount-from <place>',
    description: 'Bring caches of RUN --mount=type=cache from a registry or directory: place[,id=…] (repeatable)',
    parse: collectMountFrom,
    completes: 'directory',
  },
  {
    flags: '--cache-mount-to <place>',
    description: 'Take the caches that steps mounted there: place[,id=…][,max-size=…][,ignore-error=true] (repeatable)',
    parse: collectMountTo,
    completes: 'directory',
  },
  {
    flags: '--cache-to <destination>',
    description:
      'Leave the steps as a cache: type=registry,ref=…, type=local,dest=… (mode=max: all stages), type=inline (repeatable)',
    parse: collectCacheTo,
    suggests: ['type=registry,ref=', 'type=local,dest=', 'type=inline'],
  },
  {
    flags: '--call <method>',
    description: 'Do not build: check, outline (arguments, secrets, …) or targets; ",format=json" for programs',
    parse: parseCall,
    suggests: CALL_METHODS,
  },
  { flags: '--check', description: 'Do not build: check the Dockerfile (--call=check)', means: '--call=check' },
  {
    flags: '--explain-cache[=<format>]',
    description: 'Say why steps were not in the cache, when the build ends: text on stderr, or json on stdout',
    implied: 'text',
    choices: ['text', 'json'],
  },
  {
    flags: '--fail-on-miss[=<stages>]',
    description:
      'Exit with 3 when a step of these stages (all, without =) was not in the cache; the build is done all the same',
    implied: '',
    parse: collectMissStages,
  },
  {
    flags: '-f, --file <path>',
    description: 'Dockerfile, a URL or "-" for stdin (default PATH/Dockerfile); of a fetched context: a path inside it',
    completes: 'file',
  },
  {
    flags: '--context-mode <mode>',
    description: 'How the context is read: as-is, or git: whatever umask and owners are here (TSBUILD_CONTEXT_MODE)',
    choices: CONTEXT_MODES,
  },
  { flags: '--iidfile <file>', description: 'Write the image ID to a file', completes: 'file' },
  { flags: '--label <name=value>', description: 'Set a label of the image (repeatable)', parse: collect },
  { flags: '--load', description: 'No effect: the image is in the local store anyhow' },
  {
    flags: '--max-parallelism <count>',
    description: 'Steps that run or copy at once (default no limit; TSBUILD_MAX_PARALLELISM)',
    parse: (text) => readParallelism('--max-parallelism', text),
    suggests: ['1', '2', '4', '8'],
  },
  { flags: '--metadata-file <file>', description: 'Write the result as JSON to a file', completes: 'file' },
  {
    flags: '--network <mode>',
    description: 'Network of RUN steps that name none',
    choices: NETWORK_MODES,
  },
  { flags: '--no-cache', description: 'Run every step, whatever is cached' },
  {
    flags: '--no-cache-filter <stage>',
    description: 'Run every step of these stages, whatever is cached (repeatable, or a,b)',
    parse: collectStages,
  },
  {
    flags: '-o, --output <spec>',
    description: 'Where the result goes: a directory, "-" or type=…,dest=… (repeatable)',
    parse: collectOutput,
  },
  { flags: '--platform <platform>', description: 'Build for os/arch[/variant] (default this machine)' },
  {
    flags: '--progress <mode>',
    description: 'How to show progress (BUILDKIT_PROGRESS)',
    choices: PROGRESS_MODES,
  },
  {
    flags: '--locked',
    description: 'Build from the lock file alone, and fail where it has not all that is named (TSBUILD_LOCKED)',
  },
  { flags: '--lock-file <file>', description: 'The lock file (default <Dockerfile>.lock)', completes: 'file' },
  {
    flags: '--offline',
    description: 'Ask no server for anything, and say at once what is missing (TSBUILD_OFFLINE)',
  },
  {
    flags: '--pull',
    description: 'Ask registries for newer base images; --pull=missing, newer, never or always (which it is alone)',
    words: PULL_POLICIES,
  },
  { flags: '--push', description: 'Push every name of the image when it is built' },
  { flags: '-q, --quiet', description: 'Show no progress, print the image ID' },
  {
    flags: '--secret <secret>',
    description: 'Secret that steps may mount: id=…[,src=<file>|env=<variable>] (repeatable)',
    parse: collectSecret,
  },
  { flags: '--squash', description: 'Make one layer of all that the build adds to its base' },
  {
    flags: '--ssh <agent>',
    description: 'SSH agent that steps may use: default or id[=<socket>|<key>,…] (repeatable)',
    parse: collectSsh,
    suggests: ['default'],
  },
  { flags: '-t, --tag <name>', description: 'Name of the image, name[:tag] (repeatable)', parse: collectTag },
  { flags: '--target <stage>', description: 'Build only up to this stage' },
  ...unsupportedOptions(),
];
