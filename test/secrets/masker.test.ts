import test from 'ava';
import { createMasker } from '../../src/secrets/index.ts';
import { assertLinear } from '../support/growth.ts';
import { fc } from '../support/properties.ts';

function mask(values: readonly string[], chunks: readonly string[]): string {
  const masker = createMasker(values.map((value) => Buffer.from(value, 'latin1')));
  if (masker === undefined) return chunks.join('');
  const shown = chunks.map((chunk) => masker.push(Buffer.from(chunk, 'latin1')));
  return Buffer.concat([...shown, masker.end()]).toString('latin1');
}

test('values are masked wherever they stand', (t) => {
  t.is(mask(['s3cret'], ['a s3cret, s3crets3cret']), 'a ***, ******');
  t.is(mask(['s3cret\n'], ['TOKEN=s3cret\n']), 'TOKEN=***\n');
  t.is(mask(['  s3cret \r\n'], ['<s3cret>']), '<***>');
  t.is(mask(['abcd', 'abcdef'], ['abcd abcdef abcde']), '*** *** ***e');
  t.is(mask(['\x00\xff\xfe\x80'], ['-\x00\xff\xfe\x80-']), '-***-');
});

test('across chunks, in every way to cut', (t) => {
  const text = 'one s3cret two s3crets3crex s3cre';
  const expected = mask(['s3cret'], [text]);
  t.is(expected, 'one *** two ***s3crex s3cre');
  for (let i = 0; i <= text.length; i++)
    for (let j = i; j <= text.length; j++)
      t.is(mask(['s3cret'], [text.slice(0, i), text.slice(i, j), text.slice(j)]), expected);
});

test('lines of a value are masked by themselves, short ones and short values not', (t) => {
  const key = '-----BEGIN KEY-----\nc2VjcmV0IGtleQ==\n}\nab\n-----END KEY-----\n';
  t.is(mask([key], ['x c2VjcmV0IGtleQ== } ab y']), 'x *** } ab y');
  t.is(mask([key], [`<${key}>`]), '<***\n>');
  t.is(createMasker([Buffer.from('abc\n'), Buffer.from('')]), undefined);
  t.is(mask(['1234'], ['12345']), '***5');
});

test('what cannot be the beginning of a value is not held back', (t) => {
  const masker = createMasker([Buffer.from('s3cret')]);
  t.is(masker?.push(Buffer.from('prompt> ')).toString(), 'prompt> ');
  t.is(masker?.push(Buffer.from('is s3c')).toString(), 'is ');
  t.is(masker?.push(Buffer.from('ond ')).toString(), 's3cond ');
  t.is(masker?.push(Buffer.from('s')).toString(), '');
  t.is(masker?.end().toString(), 's');
});

test('many lines cost no more than one', async (t) => {
  const makeMasker = (lines: number) =>
    createMasker([Buffer.from(Array.from({ length: lines }, (_, i) => `line ${i} of a very long secret`).join('\n'))]);
  const [one, many] = [makeMasker(1), makeMasker(10_000)];
  const chunk = Buffer.from('nothing of it, line by line \n'.repeat(2000));
  t.is(many?.push(chunk).length, chunk.length);
  // Far less than ten times as long, though the lines are ten thousand times as many.
  await assertLinear(t, { small: () => one?.push(chunk), large: () => many?.push(chunk), times: 4 });
});

test('occurrences that overlap are one', (t) => {
  t.is(mask(['aaaa'], ['baaaaaab']), 'b***b');
  t.is(mask(['abcab', 'cabxx'], ['-abcabxx-']), '-***-');
  t.is(mask(['abcd', 'cdef'], ['ab', 'c', 'd', 'e', 'f']), '***');
});

test('what nearly repeats a long value costs no more', async (t) => {
  const text = 'a'.repeat(1 << 20);
  const maskNearly = (length: number) => {
    t.is(mask([`${'a'.repeat(length)}b`], [text]), text);
    t.is(mask([`${'a'.repeat(length)}b`, 'aaaaaaaaac'], [text]), text);
  };
  // A thousand times the length; what reads it again for every byte would take as many times as long.
  await assertLinear(t, { small: () => maskNearly(4), large: () => maskNearly(4000), times: 4 });
});

test('no value is in what is shown, however it is cut', (t) => {
  const value = fc.string({ minLength: 4, maxLength: 8, unit: fc.constantFrom('a', 'b') });
  const chunk = fc.string({ maxLength: 12, unit: fc.constantFrom('a', 'b', '\n') });
  const property = fc.property(fc.array(value, { minLength: 1, maxLength: 3 }), fc.array(chunk), (values, chunks) => {
    const shown = mask(values, chunks);
    return shown === mask(values, [chunks.join('')]) && values.every((one) => !shown.includes(one));
  });
  t.notThrows(() => fc.assert(property, { numRuns: 2000 }));
});
