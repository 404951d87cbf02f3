import test from 'ava';
import {
  compilePatterns,
  createIgnoreMatcher,
  readIgnoreFile,
  readIgnoreLines,
} from '../../../src/dockerfile/ignore/index.ts';
import { TsbuildError } from '../../../src/errors.ts';
import { fc } from '../../support/properties.ts';
import { INVALID, LISTS, SINGLE } from './cases.ts';
import { matchesItself, runProgram } from './program.ts';

for (const [index, [pattern, path, outcome]] of SINGLE.entries())
  test(`${index}: ${JSON.stringify(pattern)} and ${JSON.stringify(path)}: ${outcome}`, (t) => {
    const matcher = createIgnoreMatcher([pattern]);
    t.is(matcher.matches(path), outcome !== 'no');
    t.is(matcher.excludes(path), outcome !== 'no');
    t.is(runProgram(compilePatterns([pattern]), path), outcome !== 'no', 'the compiled program agrees');
    t.is(matchesItself(compilePatterns([pattern]), path), outcome === 'path');
  });

for (const [index, [patterns, path, excluded]] of LISTS.entries())
  test(`list ${index}: ${patterns.join(' ')} and ${path}: ${excluded}`, (t) => {
    const matcher = createIgnoreMatcher(patterns);
    t.is(matcher.matches(path), excluded);
    t.is(matcher.excludes(path), excluded);
    if (path !== '.') t.is(runProgram(compilePatterns(patterns), path), excluded);
  });

for (const [index, pattern] of INVALID.entries())
  test(`${index}: refuses ${JSON.stringify(pattern)}`, (t) => {
    const error = t.throws(() => createIgnoreMatcher(['ok', pattern]), { instanceOf: TsbuildError });
    t.is(error?.code, 'IGNORE_PATTERN_INVALID');
    t.is(error?.details.line, 2);
    t.throws(() => compilePatterns([pattern]), { code: 'IGNORE_PATTERN_INVALID' });
  });

test('reads an ignore file', (t) => {
  const text =
    '\ufefftest1\n/test2\n/a/file/here\r\n\nlastfile\n# a comment\n #no-comment\n! /inverted/abs/path\n!\n! \na/../b//c/./\n/\n';
  t.deepEqual(readIgnoreFile(text), [
    'test1',
    'test2',
    'a/file/here',
    'lastfile',
    '#no-comment',
    '!inverted/abs/path',
    '!',
    '!',
    'b/c',
    '/',
  ]);
  t.deepEqual(readIgnoreFile(''), []);
  t.deepEqual(readIgnoreLines('a\n\n#\nb'), [
    { pattern: 'a', line: 1 },
    { pattern: 'b', line: 4 },
  ]);
  t.throws(() => readIgnoreFile('a'.repeat(65_536)), { code: 'IGNORE_FILE_INVALID' });
});

test('explains which line excludes a path', (t) => {
  const matcher = createIgnoreMatcher(readIgnoreLines('# build output\nout\n\n*.log\n!keep.log\n'));
  t.deepEqual(matcher.explain('out/bin/x'), { pattern: 'out', line: 2 });
  t.deepEqual(matcher.explain('a.log'), { pattern: '*.log', line: 4 });
  t.is(matcher.explain('keep.log'), undefined);
  t.is(matcher.explain('src/a.log'), undefined);
});

test('a directory that was not excluded when a ! met it gives nothing to its entries', (t) => {
  // moby answers one way for a lone path and BuildKit's walk another; both are kept.
  const matcher = createIgnoreMatcher(['a/b', '!a']);
  t.false(matcher.matches('a/b'));
  t.true(matcher.excludes('a/b'));
  t.true(runProgram(compilePatterns(['a/b', '!a']), 'a/b'));
});

test('writes programs as documented', (t) => {
  const program = (...patterns: string[]) => compilePatterns(patterns).replaceAll('\x1f', ' ');
  t.is(program('a.b', '!c/**', '', '**/d', '**e'), '+ La.b\n! Lc/ >\n+ >/ Ld\n+ > Le');
  t.is(program('*.o', 'a?', '**/x/*.c', 'y/**/z', '*/**'), '+ * L.o\n+ La ?\n+ ** Lx/ * L.c\n+ Ly/ ** Lz\n+ * L/ .*');
  t.is(program('[a-c_]x', '[^/]', 'v\\d', '*^'), '+ [61-63,5f] Lx\n+ ?\n+ Lv [30-39]\n+ * @^');
  t.is(program('a\\\\b*', 'tab\tx', '['.concat('*]')), '+ La\\5cb *\n+ Ltab\\09x\n+ [5b,5e,2f]* L]');
  t.is(program(), '');
});

test('matcher and program agree on any patterns and paths', (t) => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '**', '?', '.', '[ab]', '[^a]', '\\*', 'c', '/b', 'a/');
  const pattern = fc
    .tuple(fc.boolean(), fc.array(piece, { minLength: 1, maxLength: 5 }))
    .map(([negated, parts]) => (negated ? '!' : '') + parts.join(''));
  const path = fc.array(fc.constantFrom('a', 'b', 'ab', 'c', '.', 'abc', '*'), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(pattern, { maxLength: 4 }), path, (patterns, names) => {
      let matcher: ReturnType<typeof createIgnoreMatcher>;
      try {
        matcher = createIgnoreMatcher(patterns);
      } catch {
        return;
      }
      const file = names.filter((name) => name !== '.').join('/');
      if (file !== '')
        t.is(runProgram(compilePatterns(patterns), file), matcher.excludes(file), `${patterns.join(' ')} ${file}`);
    }),
    { numRuns: 3000 },
  );
});
