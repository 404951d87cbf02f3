/**
 * Runs a compiled ignore program as its documentation says, token by token, by plain backtracking: a second reading of the
 * format, beside the native walker's.
 */
export function runProgram(program: string, path: string): boolean {
  const patterns = program === '' ? [] : program.split('\n').map((line) => line.split('\x1f'));
  const parts = path.split('/');
  let above: readonly boolean[] = [];
  let matched = false;
  for (let depth = 1; depth <= parts.length; depth++) {
    const here: boolean[] = [];
    matched = false;
    const step = Array.from(parts.slice(0, depth).join('/'));
    for (const [index, [sign, ...tokens]] of patterns.entries()) {
      let match = above[index] ?? false;
      if (!match && (sign === '!') === matched) match = consumes(tokens, 0, step, 0);
      here.push(match);
      if (match) matched = sign === '+';
    }
    above = here;
  }
  return matched;
}

/** Whether the program's one pattern matches the path itself, whatever it does to the directories above. */
export function matchesItself(program: string, path: string): boolean {
  const [, ...tokens] = program.split('\x1f');
  return consumes(tokens, 0, Array.from(path), 0);
}

function consumes(tokens: readonly string[], token: number, path: readonly string[], at: number): boolean {
  const text = tokens[token];
  if (text === undefined) return at === path.length;
  const rest = (next: number): boolean => consumes(tokens, token + 1, path, next);
  const run = (allowed: (char: string) => boolean): boolean => {
    for (let end = at; ; end++) {
      if (rest(end)) return true;
      const char = path[end];
      if (char === undefined || !allowed(char)) return false;
    }
  };
  const directories = (allowed: (char: string) => boolean): boolean => {
    if (rest(at)) return true;
    for (let end = at; end < path.length; end++) {
      const char = path[end] ?? '';
      if (char === '/' && rest(end + 1)) return true;
      if (!allowed(char)) return false;
    }
    return false;
  };
  const char = path[at];
  const notNewline = (candidate: string): boolean => candidate !== '\n';
  switch (text) {
    case '?':
      return char !== undefined && char !== '/' && rest(at + 1);
    case '*':
      return run((candidate) => candidate !== '/');
    case '.*':
      return run(notNewline);
    case '>':
      return run(() => true);
    case '**':
      return directories(notNewline);
    case '>/':
      return directories(() => true);
    case '@^':
      return at === 0 && rest(at);
    case '@$':
      return at === path.length && rest(at);
    case '@b':
    case '@B': {
      const isWord = (candidate: string | undefined): boolean => /^\w$/.test(candidate ?? '');
      return (isWord(path[at - 1]) !== isWord(char)) === (text === '@b') && rest(at);
    }
  }
  if (text.startsWith('L')) {
    const literal = Array.from(
      text.slice(1).replace(/\\(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    );
    return literal.every((wanted, offset) => path[at + offset] === wanted) && rest(at + literal.length);
  }
  const inClass = parseClass(text);
  return text.endsWith('*') ? run(inClass) : char !== undefined && inClass(char) && rest(at + 1);
}

function parseClass(text: string): (char: string) => boolean {
  const [, negation, ranges = ''] = /^\[(\^?)([^\]]*)\]\*?$/.exec(text) ?? [];
  return (char) => {
    const code = char.codePointAt(0) ?? 0;
    const inside = ranges.split(',').some((range) => {
      const [low = Number.NaN, high = low] = range.split('-').map((hex) => Number.parseInt(hex, 16));
      return code >= low && code <= high;
    });
    return inside !== (negation === '^');
  };
}
