import { GlobPattern } from './glob-pattern.ts';

/**
 * The glob patterns of `${name#pattern}`, `${name%pattern}` and `${name/pattern/text}`: `*`, `?` and their escapes, no
 * brackets. `#` and `%` take off the shortest match, `##` and `%%` the longest; throws a plain Error on a bad escape.
 */
export function trimPrefix(pattern: string, value: string, greedy: boolean): string {
  const end = new GlobPattern(pattern).matchStart(value, greedy);
  return end === undefined ? value : value.slice(end);
}

/** A search from the end: both texts are turned around, so that "leftmost" is the end. */
export function trimSuffix(pattern: string, value: string, greedy: boolean): string {
  return reverseText(trimPrefix(reversePattern(pattern), reverseText(value), greedy));
}

export function replaceFirst(pattern: string, value: string, replacement: string): string {
  for (const { start, end } of new GlobPattern(pattern).findAll(value))
    return value.slice(0, start) + replacement + value.slice(end);
  return value;
}

/** As Go's ReplaceAllString: an empty match beside the one before it does not count, `$0` in the text is the match. */
export function replaceAll(pattern: string, value: string, replacement: string): string {
  const parts: string[] = [];
  let last = 0;
  let previousEnd = -1;
  for (const { start, end } of new GlobPattern(pattern).findAll(value)) {
    if (start === end && start === previousEnd) continue;
    parts.push(value.slice(last, start), expandTemplate(replacement, value.slice(start, end)));
    last = end;
    previousEnd = end;
  }
  return parts.join('') + value.slice(last);
}

function expandTemplate(template: string, match: string): string {
  if (!template.includes('$')) return template;
  return template.replace(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (_, dollar, braced, plain) => {
    if (dollar !== undefined) return '$';
    return Number(braced ?? plain) === 0 ? match : '';
  });
}

/** Escapes stay in front of what they escape: `a\*c` becomes `c\*a`. */
function reversePattern(pattern: string): string {
  const parts: string[] = [];
  const chars = Array.from(pattern);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    if (char === '\\' && at < chars.length - 1) parts.push(char + (chars[++at] ?? ''));
    else parts.push(char);
  }
  return parts.reverse().join('');
}

function reverseText(text: string): string {
  return Array.from(text).reverse().join('');
}
