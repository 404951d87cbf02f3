import type { OptionSpec } from '../command-spec.ts';
import { unsupportedFlag } from '../usage-errors.ts';

/** What a flag of `docker build` or `buildx build` that is not carried out may still say: what happens anyhow. */
interface UnsupportedFlag {
  readonly flags: string;
  readonly accepts?: readonly string[];
}

const BUILDER: UnsupportedFlag = { flags: '--builder <name>', accepts: ['default'] };

const VALUED: readonly UnsupportedFlag[] = [
  { flags: '--attest <attestation>' },
  BUILDER,
  { flags: '--cgroup-parent <group>' },
  { flags: '-c, --cpu-shares <shares>' },
  { flags: '--cpu-period <microseconds>' },
  { flags: '--cpu-quota <microseconds>' },
  { flags: '--cpuset-cpus <list>' },
  { flags: '--cpuset-mems <list>' },
  { flags: '--isolation <technology>', accepts: ['default'] },
  { flags: '-m, --memory <bytes>' },
  { flags: '--memory-swap <bytes>' },
  { flags: '--policy <policy>' },
  { flags: '--provenance <value>', accepts: ['false'] },
  { flags: '--resource <limit>' },
  { flags: '--sbom <value>', accepts: ['false'] },
  { flags: '--security-opt <option>' },
  { flags: '--shm-size <bytes>' },
  { flags: '--ulimit <limit>' },
];

const SWITCHES = ['stream'] as const;

/** Switches that are refused when they are given. */
export type UnsupportedSwitches = { readonly [name in (typeof SWITCHES)[number]]?: boolean };

/** Flags that change nothing with BuildKit either. */
const IGNORED = ['--compress', '--disable-content-trust', '--force-rm', '--rm'];

/** `--builder` of buildx's other commands: there is one builder, and it is the default one. */
export function builderOption(): OptionSpec {
  return refusingOption(BUILDER);
}

/** Hidden options that refuse what this version would have to ignore. */
export function unsupportedOptions(): OptionSpec[] {
  return [
    ...VALUED.map(refusingOption),
    ...SWITCHES.map((name) => ({ flags: `--${name}`, description: 'Not supported yet', hidden: true })),
    ...IGNORED.map((flags) => ({ flags, description: 'No effect', hidden: true })),
  ];
}

function refusingOption({ flags, accepts = [] }: UnsupportedFlag): OptionSpec {
  return {
    flags,
    description: 'Not supported yet',
    hidden: true,
    parse(value: string) {
      if (accepts.includes(value)) return value;
      throw unsupportedFlag(`${/--[a-z-]+/.exec(flags)?.[0]} ${value}`);
    },
  };
}

/** Switches have no value to refuse while they are read. Throws `FLAG_UNSUPPORTED`. */
export function refuseUnsupportedSwitches(flags: UnsupportedSwitches): void {
  for (const name of SWITCHES) if (flags[name]) throw unsupportedFlag(`--${name}`);
}
