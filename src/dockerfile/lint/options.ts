import { syntaxError } from '../errors.ts';
import type { DirectiveNode, Token } from '../parser/ast.ts';
import { trimSpace } from '../text.ts';
import { checkArgInvalid } from './errors.ts';

/** Which rules run, and what their warnings do: the value of `# check=` and of `BUILDKIT_DOCKERFILE_CHECK`. */
export interface CheckOptions {
  readonly skip: RuleSet;
  readonly experimental: RuleSet;
  /** Warnings make the build fail. */
  readonly error: boolean;
}

/** Names of rules, in BuildKit's spelling; unknown ones are allowed. */
export type RuleSet = 'all' | ReadonlySet<string>;

const NO_RULES: RuleSet = new Set();
const NO_OPTIONS: CheckOptions = { skip: NO_RULES, experimental: NO_RULES, error: false };
const CHECK_ARG = 'BUILDKIT_DOCKERFILE_CHECK';
const TRUE = /^(?:1|t|T|true|TRUE|True)$/;
const FALSE = /^(?:0|f|F|false|FALSE|False)$/;
const COMMENT = /^(?:#\s*)?check\s*=\s*(\S+)/i;

/**
 * The options of a file: those of the build argument, in place of those of the directive where it is given. Throws
 * `DOCKERFILE_SYNTAX`, `BUILD_ARG_INVALID`.
 */
export function readCheckOptions(
  directives: readonly DirectiveNode[],
  buildArgs: Readonly<Record<string, string>>,
): CheckOptions {
  const given = Object.hasOwn(buildArgs, CHECK_ARG) ? buildArgs[CHECK_ARG] : undefined;
  if (given !== undefined) return parseOptions(given, (why) => checkArgInvalid(CHECK_ARG, given, why));
  const directive = directives.find(({ name }) => name === 'check');
  if (directive === undefined) return NO_OPTIONS;
  const { value, valueRange } = directive;
  // BuildKit reads the directive up to the first space.
  return parseOptions(value.split(' ', 1)[0] ?? '', (why) => syntaxError(`# check: ${why}`, valueRange, HINT));
}

/** `# check=skip=…` above one instruction; `undefined` where there is none that can be read. */
export function readCommentOptions(comments: readonly Token[]): CheckOptions | undefined {
  const value = comments.map((comment) => COMMENT.exec(comment.value)?.[1]).find((found) => found !== undefined);
  if (value === undefined) return undefined;
  try {
    return parseOptions(value, (why) => new Error(why));
  } catch {
    // As in BuildKit: a comment is no place for errors.
    return undefined;
  }
}

/** The comment is for the checks, not about the instruction. */
export function isCheckComment(comment: Token): boolean {
  return COMMENT.test(comment.value);
}

const HINT = 'write # check=skip=Rule,Rule;error=true;experimental=Rule, without spaces';

/** `skip=A,B;experimental=all;error=true`: at most three parts, a later one of a kind wins. */
function parseOptions(text: string, fail: (why: string) => Error): CheckOptions {
  if (trimSpace(text) === '') return NO_OPTIONS;
  const options = { ...NO_OPTIONS };
  for (const part of splitParts(trimSpace(text))) {
    const equals = part.indexOf('=');
    const key = trimSpace(equals < 0 ? part : part.slice(0, equals));
    const value = trimSpace(part.slice(equals + 1));
    if (equals < 0 || !(key === 'skip' || key === 'experimental' || key === 'error'))
      throw fail(`unknown option ${JSON.stringify(key)}`);
    if (key !== 'error') options[key] = options[key] === 'all' ? 'all' : parseRules(value);
    else if (TRUE.test(value) || FALSE.test(value)) options.error = TRUE.test(value);
    else throw fail(`error is ${JSON.stringify(value)}, expected true or false`);
  }
  return options;
}

/** At semicolons, into three at most: what is behind the second belongs to the third. */
function splitParts(text: string): string[] {
  const [first = '', second, ...rest] = text.split(';');
  return [first, ...(second === undefined ? [] : [second]), ...(rest.length === 0 ? [] : [rest.join(';')])];
}

function parseRules(value: string): RuleSet {
  return value === 'all' ? 'all' : new Set(value.split(',').map(trimSpace));
}
