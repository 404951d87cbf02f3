/** A package manager that installs what files of a project name. */
export interface Installer {
  readonly programs: readonly string[];
  /** Whether these arguments install from the files, and not something that they name themselves. */
  readonly verbs: (args: readonly string[]) => boolean;
  /** The files that it reads: always, and where they are there. */
  readonly required: readonly string[];
  readonly optional: readonly string[];
}

/** The arguments are one of `verbs` and flags, nothing that is named. */
function bare(...verbs: readonly string[]): Installer['verbs'] {
  return (args) => {
    const words = args.filter((arg) => !arg.startsWith('-'));
    const isGlobal = args.some((arg) => arg === '-g' || arg === '--global' || arg.startsWith('--prefix'));
    return words.length === 1 && verbs.includes(words[0] ?? '') && !isGlobal;
  };
}

/** The first words are one of these. */
function starts(...phrases: readonly string[]): Installer['verbs'] {
  return (args) =>
    phrases.includes(
      args
        .filter((arg) => !arg.startsWith('-'))
        .slice(0, 2)
        .join(' '),
    );
}

const INSTALLERS: readonly Installer[] = [
  {
    programs: ['npm'],
    verbs: bare('ci', 'install', 'i'),
    required: ['package.json'],
    optional: ['package-lock.json', 'npm-shrinkwrap.json', '.npmrc'],
  },
  {
    programs: ['yarn'],
    verbs: (args) =>
      args.every((arg) => /^--(?:immutable|frozen-lockfile|production|pure-lockfile|non-interactive)/.test(arg)) ||
      bare('install')(args),
    required: ['package.json'],
    optional: ['yarn.lock', '.yarnrc', '.yarnrc.yml'],
  },
  {
    programs: ['pnpm'],
    verbs: bare('install', 'i'),
    required: ['package.json'],
    optional: ['pnpm-lock.yaml', 'pnpm-workspace.yaml', '.npmrc'],
  },
  { programs: ['bun'], verbs: bare('install', 'i'), required: ['package.json'], optional: ['bun.lock', 'bun.lockb'] },
  {
    programs: ['pip', 'pip3'],
    verbs: (args) =>
      args.includes('install') &&
      /(?:^| )(?:-r|--requirement)[ =]?(?:\.\/)?requirements\.txt(?: |$)/.test(args.join(' ')),
    required: ['requirements.txt'],
    optional: [],
  },
  { programs: ['pipenv'], verbs: bare('install', 'sync'), required: ['Pipfile'], optional: ['Pipfile.lock'] },
  {
    programs: ['poetry'],
    // Without it the project itself is installed too, which needs all of it.
    verbs: (args) => args.includes('--no-root') && bare('install')(args),
    required: ['pyproject.toml'],
    optional: ['poetry.lock'],
  },
  { programs: ['go'], verbs: starts('mod download'), required: ['go.mod'], optional: ['go.sum'] },
  { programs: ['bundle'], verbs: bare('install'), required: ['Gemfile'], optional: ['Gemfile.lock'] },
  { programs: ['composer'], verbs: bare('install'), required: ['composer.json'], optional: ['composer.lock'] },
  { programs: ['mix'], verbs: starts('deps.get'), required: ['mix.exs'], optional: ['mix.lock'] },
];

const BY_PROGRAM = new Map(
  INSTALLERS.flatMap((installer) => installer.programs.map((program) => [program, installer])),
);

/** The package manager that a command calls, by whatever path, to install from files. */
export function findInstaller([program = '', ...args]: readonly string[]): Installer | undefined {
  const installer = BY_PROGRAM.get(program.slice(program.lastIndexOf('/') + 1));
  return installer?.verbs(args) ? installer : undefined;
}
