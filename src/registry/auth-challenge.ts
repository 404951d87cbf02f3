/** One challenge of a WWW-Authenticate header (RFC 9110, section 11.6.1). */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const TOKEN68 = /[A-Za-z0-9._~+/-]+=*/y;
const PARAMETER =
  /[\t ]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)[\t ]*=[\t ]*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))/y;
const SEPARATOR = /[\t ,]*/y;
/** Longer headers are nothing that a registry sends. */
const MAX_LENGTH = 16 * 1024;

/**
 * Reads every challenge of a header; commas part both challenges and parameters, and may be quoted. Reading ends at what is not of
 * the grammar; what was read until there counts.
 */
export function parseChallenges(header: string): Challenge[] {
  const text = header.slice(0, MAX_LENGTH);
  const challenges: Challenge[] = [];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = at;
    const match = pattern.exec(text) ?? undefined;
    if (match !== undefined) at = pattern.lastIndex;
    return match;
  };
  for (;;) {
    take(SEPARATOR);
    const scheme = take(TOKEN)?.[0].toLowerCase();
    if (scheme === undefined) return challenges;
    const parameters: Record<string, string> = Object.create(null);
    challenges.push({ scheme, parameters });
    for (;;) {
      const before = at;
      take(SEPARATOR);
      const parameter = take(PARAMETER);
      if (parameter === undefined) {
        at = before;
        break;
      }
      const [, name = '', quoted, plain] = parameter;
      parameters[name.toLowerCase()] ??= quoted === undefined ? (plain ?? '') : quoted.replace(/\\(.)/g, '$1');
    }
    // `Negotiate YII=`: a blob instead of parameters, which nothing here speaks.
    if (Object.keys(parameters).length === 0 && text[at] === ' ') {
      const before = at;
      take(SEPARATOR);
      const blob = take(TOKEN68);
      const next = text[at];
      if (blob === undefined || (next !== undefined && next !== ',' && next !== ' ')) at = before;
      else if (next === ' ') at = before;
    }
  }
}
