import { type CommandSpec, longFlag, type OptionSpec, shortFlag, takesNextWord } from '../command-spec.ts';

/** A command under one of its names. */
export interface CompletedCommand {
  readonly name: string;
  readonly summary: string;
  readonly spec: Pick<CommandSpec<never>, 'options' | 'completes'>;
}

const LIST_IMAGES = `tsbuild images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>'`;
const LIST_CACHE_MOUNTS = 'tsbuild cache-mount ls -q 2>/dev/null';
const LIST_BUILDS = 'tsbuild builds ls -q 2>/dev/null';

/** A script that bash sources. */
export function formatBash(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ name, spec }) => {
    const values = spec.options
      .filter(takesNextWord)
      .map((option) => `      ${spellings(option).join('|')}) ${bashValue(option)} ;;`);
    return `  ${quote(name)})
    case $prev in
${values.join('\n')}
    esac
    if [[ $cur == -* ]]; then words='${spec.options.flatMap(offeredWords).join(' ')}'; else ${bashArguments(spec.completes)}; fi
    ;;`;
  });
  return `# Completion of tsbuild for bash: source <(tsbuild completion bash)
_tsbuild() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} verb='' words='' i
  local -a line=("\${COMP_WORDS[@]:0:COMP_CWORD}")
  COMPREPLY=()
  [[ "\${line[1]} \${line[2]}" == 'buildx history' ]] && line=(tsbuild builds "\${line[@]:3}")
  for ((i = 1; i < \${#line[@]}; i++)); do
    case \${line[i]} in
      --root) ((i++)) ;;
      -*) ;;
      *)
        if [[ -z $verb ]]; then verb=\${line[i]}; [[ $verb == @(${groups(commands).join('|')}) ]] || break
        else verb="$verb \${line[i]}"; break; fi
        ;;
    esac
  done
  case $verb in
  '')
    words='${firstWords(commands).join(' ')} --root --debug --version --help'
    ;;
${groups(commands)
  .map((group) => `  ${group})\n    words='${secondWords(commands, group).join(' ')}'\n    ;;`)
  .join('\n')}
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  [[ \${COMPREPLY[0]} == *: ]] && declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$cur"
}
complete -F _tsbuild tsbuild
`;
}

/** A script for a folder of zsh's fpath. */
export function formatZsh(commands: readonly CompletedCommand[]): string {
  const cases = commands.map(({ name, spec }) => {
    const options = spec.options.flatMap((option) =>
      spellings(option).map((flag) => `      ${zshOption(flag, option)}`),
    );
    return `    ${quote(name)})
      _arguments -S \\
${options.join(' \\\n')} \\
        ${zshArguments(spec.completes)}
      ;;`;
  });
  const describe = (pairs: readonly (readonly [string, string])[]): string =>
    pairs.map(([word, text]) => quote(`${word}:${text}`)).join(' ');
  const summaries = new Map(commands.map(({ name, summary }) => [name, summary]));
  return `#compdef tsbuild
_tsbuild_images() {
  local -a images
  images=(\${(f)"$(${LIST_IMAGES})"})
  compadd -a images
}
_tsbuild_cache_mounts() {
  local -a mounts
  mounts=(\${(f)"$(${LIST_CACHE_MOUNTS})"})
  compadd -a mounts
}
_tsbuild_builds() {
  local -a builds
  builds=(\${(f)"$(${LIST_BUILDS})"})
  compadd -a builds
}
_tsbuild() {
  local verb=$words[2] at=2
  case $verb in
    ${groups(commands).join('|')}) ((CURRENT > 3)) && verb="$words[2] $words[3]" at=3 ;;
  esac
  if ((CURRENT == 2)); then
    local -a commands=(${describe(firstWords(commands).map((word) => [word, summaries.get(word) ?? 'Commands of this kind']))})
    _describe command commands
    return
  fi
  case $verb in
${groups(commands)
  .map((group) => {
    const pairs = secondWords(commands, group).map((word) => [word, summaries.get(`${group} ${word}`) ?? ''] as const);
    return `    ${group})\n      local -a subcommands=(${describe(pairs)})\n      _describe command subcommands\n      return\n      ;;`;
  })
  .join('\n')}
  esac
  shift $((at - 1)) words
  ((CURRENT -= at - 1))
  case $verb in
${cases.join('\n')}
  esac
}
compdef _tsbuild tsbuild
`;
}

/** A script for fish's folder of completions. */
export function formatFish(commands: readonly CompletedCommand[]): string {
  const lines = [
    '# Completion of tsbuild for fish',
    'complete -c tsbuild -f',
    `function __tsbuild_images; ${LIST_IMAGES}; end`,
    `function __tsbuild_cache_mounts; ${LIST_CACHE_MOUNTS}; end`,
    `function __tsbuild_builds; ${LIST_BUILDS}; end`,
    `function __tsbuild_at
  set -l words (string match -v -- '-*' (commandline -opc))
  test "$words[2..]" = "$argv"; or string match -q -- "$argv *" "$words[2..]"
end`,
    `function __tsbuild_exactly
  set -l words (string match -v -- '-*' (commandline -opc))
  test "$words[2..]" = "$argv"
end`,
  ];
  const summaries = new Map(commands.map(({ name, summary }) => [name, summary]));
  for (const word of firstWords(commands))
    lines.push(
      `complete -c tsbuild -n '__tsbuild_exactly ""' -a ${word} -d ${quote(summaries.get(word) ?? 'Commands of this kind')}`,
    );
  for (const group of groups(commands))
    for (const word of secondWords(commands, group))
      lines.push(
        `complete -c tsbuild -n '__tsbuild_exactly ${group}' -a ${word} -d ${quote(summaries.get(`${group} ${word}`) ?? '')}`,
      );
  for (const { name, spec } of commands) {
    const at = `complete -c tsbuild -n '__tsbuild_at ${name}'`;
    for (const option of spec.options) {
      const short = shortFlag(option);
      const value = takesNextWord(option)
        ? ` -r${offeredValues(option) ? ` -a ${quote(offeredValues(option)?.join(' ') ?? '')}` : option.completes ? ' -F' : ''}`
        : '';
      lines.push(
        `${at} -l ${longFlag(option).slice(2)}${short === undefined ? '' : ` -s ${short.slice(1)}`}${value} -d ${quote(option.description)}`,
      );
    }
    if (spec.completes === 'image') lines.push(`${at} -a '(__tsbuild_images)'`);
    if (spec.completes === 'cache-mount') lines.push(`${at} -a '(__tsbuild_cache_mounts)'`);
    if (spec.completes === 'build') lines.push(`${at} -a '(__tsbuild_builds)'`);
    if (spec.completes === 'file') lines.push(`${at} -F`);
    if (spec.completes === 'directory') lines.push(`${at} -a '(__fish_complete_directories)'`);
  }
  return `${lines.join('\n')}\n`;
}

function offeredValues({ choices, suggests }: OptionSpec): readonly string[] | undefined {
  return choices ?? suggests;
}

function spellings(option: OptionSpec): string[] {
  const short = shortFlag(option);
  return short === undefined ? [longFlag(option)] : [short, longFlag(option)];
}

/** With the words that it may say behind its `=`. */
function offeredWords(option: OptionSpec): string[] {
  return [...spellings(option), ...(option.words ?? []).map((word) => `${longFlag(option)}=${word}`)];
}

function firstWords(commands: readonly CompletedCommand[]): string[] {
  return [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
}

/** First words that need a second one: `image`. */
function groups(commands: readonly CompletedCommand[]): string[] {
  return [...new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0] ?? ''))];
}

function secondWords(commands: readonly CompletedCommand[], group: string): string[] {
  const words = commands
    .filter(({ name }) => name.startsWith(`${group} `))
    .map(({ name }) => name.slice(group.length + 1));
  // The router reads `buildx history` as `builds`.
  return group === 'buildx' ? [...words, 'history'] : words;
}

function bashValue(option: OptionSpec): string {
  const values = offeredValues(option);
  if (values !== undefined) return `COMPREPLY=($(compgen -W '${values.join(' ')}' -- "$cur")); return`;
  if (option.completes === 'directory') return 'COMPREPLY=($(compgen -d -- "$cur")); return';
  return 'COMPREPLY=($(compgen -f -- "$cur")); return';
}

function bashArguments(completes: CommandSpec['completes']): string {
  if (completes === 'image') return `words=$(${LIST_IMAGES})`;
  if (completes === 'cache-mount') return `words=$(${LIST_CACHE_MOUNTS})`;
  if (completes === 'build') return `words=$(${LIST_BUILDS})`;
  if (completes === 'file') return 'COMPREPLY=($(compgen -f -- "$cur")); return';
  if (completes === 'directory') return 'COMPREPLY=($(compgen -d -- "$cur")); return';
  return ':';
}

function zshOption(flag: string, option: OptionSpec): string {
  const text = option.description.replace(/[[\]]/g, '\\$&');
  const { words } = option;
  if (words !== undefined) return quote(`*${flag}=-[${text}]::value:(${words.join(' ')})`);
  if (!takesNextWord(option)) return quote(`*${flag}[${text}]`);
  const offered = offeredValues(option);
  const values = offered
    ? `(${offered.join(' ')})`
    : option.completes === 'directory'
      ? '_files -/'
      : option.completes
        ? '_files'
        : ' ';
  return quote(`*${flag}[${text}]:value:${values}`);
}

function zshArguments(completes: CommandSpec['completes']): string {
  if (completes === 'image') return `'*:image:_tsbuild_images'`;
  if (completes === 'cache-mount') return `'*:cache mount:_tsbuild_cache_mounts'`;
  if (completes === 'build') return `'*:build:_tsbuild_builds'`;
  if (completes === 'file') return `'*:file:_files'`;
  if (completes === 'directory') return `'*:directory:_files -/'`;
  return `'*::'`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
