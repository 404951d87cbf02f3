import type { SourceRange } from '../position.ts';
import { splitSpaces, trimSpace } from '../text.ts';
import type { DirectiveNode } from './ast.ts';
import { DirectiveReader } from './directives.ts';

/** The frontend that a file asks to be read by. */
export interface FrontendRequest {
  /** `docker/dockerfile:1`. */
  readonly image: string;
  /** For people: what asks for it. */
  readonly asker: string;
  /** Where in the file; absent for the build argument and in JSON. */
  readonly range?: SourceRange;
}

const SYNTAX_ARG = 'BUILDKIT_SYNTAX';

/**
 * Finds which frontend is asked for, in BuildKit's order: the build argument, `# syntax=` (which the parser has read), and in
 * files of other languages `// syntax=` in the first lines or a JSON object with a member `syntax`.
 */
export function findFrontend(
  source: string,
  directives: readonly DirectiveNode[],
  buildArgs: Readonly<Record<string, string>>,
): FrontendRequest | undefined {
  const given = Object.hasOwn(buildArgs, SYNTAX_ARG) ? firstWord(buildArgs[SYNTAX_ARG] ?? '') : '';
  if (given !== '') return { image: given, asker: `--build-arg ${SYNTAX_ARG}` };
  const directive = directives.find(({ name }) => name === 'syntax') ?? findSlashed(source);
  if (directive !== undefined)
    return { image: firstWord(directive.value), asker: 'the syntax directive', range: directive.valueRange };
  const image = findInJson(source);
  return image === undefined ? undefined : { image: firstWord(image), asker: 'the member "syntax" of the file' };
}

function findSlashed(source: string): DirectiveNode | undefined {
  const text = source.replace(/^\ufeff/, '');
  const reader = new DirectiveReader('//');
  for (const [index, line] of text.split('\n', MAX_DIRECTIVE_LINES).entries()) {
    try {
      const directive = reader.read(line, index + 1, 0);
      if (directive?.name === 'syntax') return directive;
    } catch {
      // A directive that is given twice: this is no file that could be read.
      return undefined;
    }
    if (!reader.isOpen) return undefined;
  }
  return undefined;
}

/** A line for the kernel, and one of each directive. */
const MAX_DIRECTIVE_LINES = 4;

function findInJson(source: string): string | undefined {
  if (!/^\ufeff?(?:#!.*\n)?\s*\{/.test(source)) return undefined;
  try {
    const value: unknown = JSON.parse(source.replace(/^\ufeff?(?:#!.*\n)?/, ''));
    const syntax = value !== null && typeof value === 'object' && 'syntax' in value ? value.syntax : undefined;
    return typeof syntax === 'string' && syntax !== '' ? syntax : undefined;
  } catch {
    return undefined;
  }
}

function firstWord(text: string): string {
  return splitSpaces(trimSpace(text))[0] ?? '';
}
