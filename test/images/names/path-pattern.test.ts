import test from 'ava';
import { compilePathPattern } from '../../../src/images/names/path-pattern.ts';

// Cases of Go's path/match_test.go: pattern, text, whether it matches, whether the pattern is malformed.
const CASES: readonly (readonly [string, string, boolean, boolean?])[] = [
  ['abc', 'abc', true],
  ['*', 'abc', true],
  ['*c', 'abc', true],
  ['a*', 'a', true],
  ['a*', 'ab/c', false],
  ['a*/b', 'abc/b', true],
  ['a*/b', 'a/c/b', false],
  ['a*b*c*d*e*/f', 'axbxcxdxe/f', true],
  ['a*b*c*d*e*/f', 'axbxcxdxe/xxx/f', false],
  ['a*b?c*x', 'abxbbxdbxebxczzx', true],
  ['a*b?c*x', 'abxbbxdbxebxczzy', false],
  ['ab[c]', 'abc', true],
  ['ab[b-d]', 'abc', true],
  ['ab[e-g]', 'abc', false],
  ['ab[^c]', 'abc', false],
  ['ab[^e-g]', 'abc', true],
  ['a\\*b', 'a*b', true],
  ['a\\*b', 'ab', false],
  ['a?b', 'a☺b', true],
  ['a[^a]b', 'a☺b', true],
  ['a???b', 'a☺b', false],
  ['[a-ζ]*', 'α', true],
  ['*[a-ζ]', 'A', false],
  ['a?b', 'a/b', false],
  ['a*b', 'a/b', false],
  ['[\\]a]', ']', true],
  ['[\\-]', '-', true],
  ['[x\\-]', 'x', true],
  ['[x\\-]', 'z', false],
  ['[]a]', ']', false, true],
  ['[-]', '-', false, true],
  ['[x-]', 'x', false, true],
  ['[-x]', 'x', false, true],
  ['\\', 'a', false, true],
  ['[a-b-c]', 'a', false, true],
  ['[', 'a', false, true],
  ['[^', 'a', false, true],
  ['[^bc', 'a', false, true],
  ['*x', 'xxx', true],
  ['registry.example/*:1.?', 'registry.example/app:1.2', true],
];

for (const [pattern, text, matches, malformed = false] of CASES)
  test(`${pattern} ${malformed ? 'is malformed' : `${matches ? 'matches' : 'does not match'} ${text}`}`, (t) => {
    if (malformed) t.throws(() => compilePathPattern(pattern), { code: 'FILTER_INVALID' });
    else t.is(compilePathPattern(pattern)(text), matches);
  });
