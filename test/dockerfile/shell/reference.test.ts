// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions of the language under test
import test from 'ava';
import { expandWord } from '../../../src/dockerfile/shell/index.ts';
import { fc } from '../../support/properties.ts';

/**
 * Words as trees, written out and expanded by another way: values are looked up in the tree, and patterns are tried against every
 * part of a value instead of being made into regular expressions.
 */
type Part =
  | { readonly type: 'text' | 'single' | 'escaped'; readonly text: string }
  | { readonly type: 'plain' | 'braced'; readonly name: string }
  | { readonly type: 'double'; readonly parts: readonly Part[] }
  | { readonly type: 'choice'; readonly name: string; readonly operator: string; readonly parts: readonly Part[] }
  | { readonly type: 'trim'; readonly name: string; readonly operator: string; readonly pattern: string }
  | {
      readonly type: 'replace';
      readonly name: string;
      readonly all: boolean;
      readonly pattern: string;
      readonly by: string;
    };

const ENV: Readonly<Record<string, string>> = { A: 'abcab', B: '', C: 'x y', D: 'a*b?c', E_1: '/usr/lib/x', é: 'ü' };
const name = fc.constantFrom(...Object.keys(ENV), 'UNSET');
const text = fc.string({
  unit: fc.constantFrom('a', 'b', 'x', ' ', '.', '-', 'é', ':', '='),
  minLength: 1,
  maxLength: 4,
});
const pattern = fc.string({
  unit: fc.constantFrom('a', 'b', 'c', '*', '?', 'x', '.', 'ü'),
  minLength: 1,
  maxLength: 4,
});

const { parts } = fc.letrec<{ part: Part; parts: readonly Part[] }>((tie) => ({
  parts: fc.array(tie('part'), { maxLength: 3 }),
  part: fc.oneof(
    { depthSize: 'small' },
    fc.record({ type: fc.constantFrom('text', 'single'), text }),
    fc.record({ type: fc.constant('escaped'), text: fc.constantFrom('$', '"', "'", '\\', 'a', ' ', '}') }),
    fc.record({ type: fc.constantFrom('braced', 'plain'), name }),
    fc.record({
      type: fc.constant('double'),
      parts: fc.array(fc.record({ type: fc.constant('braced'), name }), { maxLength: 2 }),
    }),
    fc.record({
      type: fc.constant('choice'),
      name,
      operator: fc.constantFrom(':-', '-', ':+', '+'),
      parts: tie('parts'),
    }),
    fc.record({ type: fc.constant('trim'), name, operator: fc.constantFrom('#', '##', '%', '%%'), pattern }),
    fc.record({
      type: fc.constant('replace'),
      name,
      all: fc.boolean(),
      pattern: pattern.filter((glob) => /[^*]/.test(glob)),
      by: text,
    }),
  ) as fc.Arbitrary<Part>,
}));

test('expansion agrees with a reference', (t) => {
  fc.assert(
    fc.property(parts, (word) => {
      const written = word.map(writePart).join('');
      t.is(expandWord(written, ENV), word.map(expandPart).join(''), written);
    }),
    { numRuns: 3000 },
  );
});

function writePart(part: Part): string {
  switch (part.type) {
    case 'text':
      return part.text;
    case 'single':
      return `'${part.text}'`;
    case 'escaped':
      return `\\${part.text}`;
    case 'plain':
      // What follows must not be read as more of the name.
      return `$${part.name}''`;
    case 'braced':
      return `\${${part.name}}`;
    case 'double':
      return `"${part.parts.map(writePart).join('')}"`;
    case 'choice':
      return `\${${part.name}${part.operator}${part.parts.map(writePart).join('')}}`;
    case 'trim':
      return `\${${part.name}${part.operator}${part.pattern}}`;
    case 'replace':
      return `\${${part.name}/${part.all ? '/' : ''}${part.pattern}/${part.by}}`;
  }
}

function expandPart(part: Part): string {
  switch (part.type) {
    case 'text':
    case 'single':
    case 'escaped':
      return part.text;
    case 'plain':
    case 'braced':
      return ENV[part.name] ?? '';
    case 'double':
      return part.parts.map(expandPart).join('');
    case 'choice': {
      const value = ENV[part.name];
      const isSet = part.operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
      const inner = part.parts.map(expandPart).join('');
      return part.operator.endsWith('-') ? (isSet ? (value ?? '') : inner) : isSet ? inner : '';
    }
    case 'trim':
      return trim(Array.from(ENV[part.name] ?? ''), part.operator, part.pattern);
    case 'replace':
      return replace(Array.from(ENV[part.name] ?? ''), part.pattern, part.by, part.all);
  }
}

function trim(value: readonly string[], operator: string, glob: string): string {
  const lengths = Array.from({ length: value.length + 1 }, (_, length) => length);
  if (operator.length === 2) lengths.reverse();
  const suffix = operator.startsWith('%');
  const part = (length: number) => (suffix ? value.slice(value.length - length) : value.slice(0, length));
  const found = lengths.find((length) => matches(Array.from(glob), part(length)));
  if (found === undefined) return value.join('');
  return (suffix ? value.slice(0, value.length - found) : value.slice(found)).join('');
}

/** The leftmost place where the pattern matches, and there the longest part. */
function replace(value: readonly string[], glob: string, by: string, all: boolean): string {
  let result = '';
  for (let at = 0; at < value.length; ) {
    let end = value.length;
    while (end > at && !matches(Array.from(glob), value.slice(at, end))) end--;
    if (end === at) {
      result += value[at];
      at++;
      continue;
    }
    result += by;
    at = end;
    if (!all) return result + value.slice(at).join('');
  }
  return result;
}

function matches([first, ...rest]: readonly string[], value: readonly string[]): boolean {
  if (first === undefined) return value.length === 0;
  if (first !== '*') return value.length > 0 && (first === '?' || first === value[0]) && matches(rest, value.slice(1));
  return matches(rest, value) || (value.length > 0 && matches([first, ...rest], value.slice(1)));
}
