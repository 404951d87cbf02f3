// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions of the language under test
import test from 'ava';
import { expand, expandWord, expandWords } from '../../../src/dockerfile/shell/index.ts';
import { TsbuildError } from '../../../src/errors.ts';
import { fc } from '../../support/properties.ts';

const ENV = {
  PWD: '/home',
  SHELL: 'bash',
  KOREAN: '한국어',
  NULL: '',
  FOO: 'xxyy',
  PATHS: '/a/foo/b/c.txt',
  STAR: 'a***yy*',
  TWO: 'two words',
  Q: 'q"u\'o',
  CASH: '$5',
};
const ERROR = Symbol('error');

/** What BuildKit makes of a word; the rows follow its own tables and rules. */
const WORDS: readonly (readonly [word: string, expected: string | typeof ERROR])[] = [
  ['hello', 'hello'],
  ["he'll'o", 'hello'],
  ["he'llo", ERROR],
  ["he\\'llo", "he'llo"],
  ["he\\\\'llo", ERROR],
  ['abc\\tdef', 'abctdef'],
  ['"abc\\tdef"', 'abc\\tdef'],
  ["'abc\\tdef'", 'abc\\tdef'],
  ['hello\\', 'hello'],
  ['hello\\\\', 'hello\\'],
  ['"hello', ERROR],
  ['"hello\\"', ERROR],
  ['"hel\'lo"', "hel'lo"],
  ["'hello\\'", 'hello\\'],
  ["'hello\\there'", 'hello\\there'],
  ["'hello\\\\there'", 'hello\\\\there'],
  ['"\'"', "'"],
  ["''", ''],
  ['$.', '$.'],
  ['he$1x', 'hex'],
  ['he$.x', 'he$.x'],
  ['he$pwd.', 'he.'],
  ['he$PWD', 'he/home'],
  ['he\\$PWD', 'he$PWD'],
  ['"he\\$PWD"', 'he$PWD'],
  ["'he\\$PWD'", 'he\\$PWD'],
  ['\\\\$PWD', '\\/home'],
  ['"\\\\$PWD"', '\\/home'],
  ['"he$PWD"', 'he/home'],
  ["'he$PWD'", 'he$PWD'],
  ['$PWD$SHELL', '/homebash'],
  ['$123name', 'name'],
  ['$$x', 'x'],
  ['$@x$*y$#', 'xy'],
  ['${}', ERROR],
  ['${{aaa}}', ERROR],
  ['${:x}', ERROR],
  ['${PWD', ERROR],
  ['${', ERROR],
  ['${PWD}', '/home'],
  ['${ PWD}', ERROR],
  ["'he${XX}'", 'he${XX}'],
  ['he${PWD}xx', 'he/homexx'],
  ['${XX:-000}', '000'],
  ['${PWD:-000}', '/home'],
  ['${XX:-$PWD}', '/home'],
  ['${XX:-${PWD:-yyy}}', '/home'],
  ['${XX:-${YY:-yyy}}', 'yyy'],
  ["he${XX:-'a b'}", 'hea b'],
  ['he${XX:-"$PWD x"}', 'he/home x'],
  ['${XX:-\\}}', '}'],
  ['${XX:YY}', ERROR],
  ['${XX:+${YY}', ERROR],
  ['${NULL-x}', ''],
  ['${NULL:-x}', 'x'],
  ['${XX-x}', 'x'],
  ['${PWD+x}', 'x'],
  ['${NULL+x}', 'x'],
  ['${NULL:+x}', ''],
  ['${XX+x}', ''],
  ['${PWD:+$SHELL}', 'bash'],
  ['${PWD?no}', '/home'],
  ['${NULL?no}', ''],
  ['${NULL:?no}', ERROR],
  ['${XX?no}', ERROR],
  ['${XX:?no}', ERROR],
  ['${PWD=x}', ERROR],
  ['${PWD:=x}', ERROR],
  ['${PWD@Q}', ERROR],
  ['${PWD^^}', ERROR],
  ['${#PWD}', ERROR],
  ['안녕하세요$KOREAN', '안녕하세요한국어'],
  ["안녕하세요'$KOREAN'", '안녕하세요$KOREAN'],
  ['${KOREAN#?}', '국어'],
  ['${KOREAN%?}', '한국'],
  ['${FOO#x}', 'xyy'],
  ['${FOO##x}', 'xyy'],
  ['${FOO#*x}', 'xyy'],
  ['${FOO##*x}', 'yy'],
  ['${FOO#*}', 'xxyy'],
  ['${FOO##*}', ''],
  ['${FOO#}', 'xxyy'],
  ['${FOO##}', 'xxyy'],
  ['${FOO%y}', 'xxy'],
  ['${FOO%%y*}', 'xx'],
  ['${FOO%y*}', 'xxy'],
  ['${FOO%x}', 'xxyy'],
  ['${FOO%}', 'xxyy'],
  ['${FOO:#x}', ERROR],
  ['${FOO:%y}', ERROR],
  ['${XX:#x}', ERROR],
  ['${FOO:/x/y}', ERROR],
  ['${XX#x}', ''],
  ['${STAR%%\\**\\*}', 'a'],
  ['${STAR#a\\*}', '**yy*'],
  ['${FOO#\\x}', ERROR],
  ['${PATHS/\\/?\\//.}', '.foo/b/c.txt'],
  ['${PATHS//\\/?\\//.}', '.foo.c.txt'],
  ['${PATHS/foo/}', '/a//b/c.txt'],
  ['${PATHS//\\//\\/}', '\\/a\\/foo\\/b\\/c.txt'],
  ['${FOO//x/}', 'yy'],
  ['${FOO//*/z}', 'z'],
  ['${FOO/*/z}', 'z'],
  ['${FOO//z*/w}', 'xxyy'],
  ['${FOO/$NULL/ww}', 'wwxxyy'],
  ['${FOO//ww}', ERROR],
  ['${FOO/ww}', ERROR],
  ['${FOO///}', 'xxyy'],
  ['${XX/a/b}', ''],
  ['${FOO//x/$CASH}', 'yy'],
  ['${FOO/x/$CASH}', '$5xyy'],
  ['${FOO/x/y', ERROR],
  ['a<b', 'a<b'],
  ['<<EOF', '<<EOF'],
];

for (const [word, expected] of WORDS)
  test(`expands ${JSON.stringify(word)}`, (t) => {
    if (expected !== ERROR) {
      t.is(expandWord(word, ENV), expected);
      t.is(expandWord(word, new Map(Object.entries(ENV))), expected, 'a map does as well');
      return;
    }
    const error = t.throws(() => expandWord(word, ENV), { instanceOf: TsbuildError });
    t.is(error?.code, 'EXPANSION_INVALID');
  });

const SPLIT: readonly (readonly [text: string, words: readonly string[]])[] = [
  ['hello', ['hello']],
  ['hello world', ['hello', 'world']],
  ['  hello\t\tworld  ', ['hello', 'world']],
  ["he'll'o 'two words'", ['hello', 'two words']],
  ['"two words"x', ['two wordsx']],
  ['two\\ words', ['two words']],
  ['$TWO', ['two', 'words']],
  ['"$TWO"', ['two words']],
  ['a$TWO', ['atwo', 'words']],
  ['a$TWO b', ['atwo', 'words', 'b']],
  ['$NULL', []],
  ['""', []],
  ["a '' b", ['a', 'b']],
  ['$XX x', ['x']],
  ['${XX:-1 2}', ['1', '2']],
  ['"${XX:-1 2}"', ['1 2']],
  ['안녕하세요\\ 세상 $KOREAN', ['안녕하세요 세상', '한국어']],
  ['', []],
  ['a\u00a0b', ['a', 'b']],
];

for (const [text, words] of SPLIT)
  test(`splits ${JSON.stringify(text)}`, (t) => t.deepEqual(expandWords(text, ENV), [...words]));

test('a backtick escapes where the file says so', (t) => {
  const options = { escape: '`' };
  t.is(expandWord('a`$PWD', ENV, options), 'a$PWD');
  t.is(expandWord('c:\\$PWD', ENV, options), 'c:\\/home');
  t.is(expandWord('"`""', ENV, options), '"');
  t.is(expandWord('"\\n"', ENV, options), '\\n');
});

test('quotes and unset names can stay', (t) => {
  const options = { rawQuotes: true, keepUnset: true };
  t.is(
    expandWord('"$XX" \'$PWD\' ${XX} ${XX:-y} ${XX/a/b} $PWD', ENV, options),
    '"$XX" \'$PWD\' ${XX} ${XX:-y} ${XX/a/b} /home',
  );
  t.is(expandWord('it\'s "$PWD" \\$PWD', ENV, { ignoreQuotes: true }), 'it\'s "/home" $PWD');
  t.is(expandWord('a\\$b', ENV, { rawEscapes: true }), 'a\\$b');
});

test('tells which names were found and which were not', (t) => {
  const { matched, unmatched } = expand('$PWD ${XX:-$YY} ${NULL+$SHELL}', ENV);
  t.deepEqual([...matched].sort(), ['NULL', 'PWD', 'SHELL']);
  t.deepEqual([...unmatched].sort(), ['XX', 'YY']);
});

test('the message of a required variable is shown, expanded', (t) => {
  t.regex(t.throws(() => expandWord('${XX:?set it to $SHELL}', ENV))?.message ?? '', /XX: set it to bash/);
  t.regex(t.throws(() => expandWord('${XX?}', ENV))?.message ?? '', /XX: is not allowed to be unset/);
  t.regex(t.throws(() => expandWord('${NULL:?}', ENV))?.message ?? '', /NULL: is not allowed to be empty/);
});

test('names of Object.prototype are not set', (t) => {
  t.is(expandWord('$constructor${toString}$__proto__', {}), '');
});

test('nesting is bounded, not the stack', (t) => {
  t.throws(() => expandWord('${a:-'.repeat(5_000) + '}'.repeat(5_000), {}), { message: /nested/ });
});

test('a result is bounded: a variable that doubles itself ends in an error', (t) => {
  let value = 'x'.repeat(1024);
  const grow = (): void => {
    for (let round = 0; round < 40; round++) value = expand('$A$A', new Map([['A', value]])).result;
  };
  t.throws(grow, { code: 'EXPANSION_INVALID', message: /the result would have more than \d+ characters/ });
  t.true(value.length <= 16 * 1024 * 1024);
});

test('text without special characters is itself', (t) => {
  const plain = fc.string({ unit: 'grapheme' }).filter((text) => !/[$'"\\]/.test(text));
  fc.assert(fc.property(plain, (text) => expandWord(text, {}) === text));
  t.pass();
});

test('what is quoted comes back, and as one word', (t) => {
  const text = fc.string({ unit: fc.constantFrom('a', ' ', '$', '"', '\\', '{', '}', '\t', 'é', '<') });
  fc.assert(
    fc.property(text, (value) => {
      t.is(expandWord(`'${value}'`, ENV), value);
      t.deepEqual(expandWords(`'${value}'`, ENV), value === '' ? [] : [value]);
      const escaped = value.replace(/["$\\]/g, '\\$&');
      t.is(expandWord(`"${escaped}"`, ENV), value);
      t.is(expandWord(value.replace(/[^a]/gu, '\\$&'), ENV), value);
    }),
    { numRuns: 500 },
  );
});

test('a value is put in as it is, whatever is in it', (t) => {
  fc.assert(fc.property(fc.string(), (value) => expandWord('$v-${v}', { v: value }) === `${value}-${value}`));
  t.pass();
});
