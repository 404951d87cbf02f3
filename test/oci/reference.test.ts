import test from 'ava';
import {
  familiarName,
  familiarReference,
  formatReference,
  parseReference,
  parseTaggedReference,
} from '../../src/oci/index.ts';
import { assertLinear } from '../support/growth.ts';
import { fc } from '../support/properties.ts';

const HEX = 'a'.repeat(64);
const DIGEST = `sha256:${HEX}`;

/** Text, and what it is in full and in short; after distribution/reference's own tables. */
const GOOD: readonly [string, string, string][] = [
  ['busybox', 'docker.io/library/busybox', 'busybox'],
  ['busybox:1.36', 'docker.io/library/busybox:1.36', 'busybox:1.36'],
  ['library/busybox', 'docker.io/library/busybox', 'busybox'],
  ['docker.io/busybox', 'docker.io/library/busybox', 'busybox'],
  ['index.docker.io/library/busybox:x', 'docker.io/library/busybox:x', 'busybox:x'],
  ['me/app', 'docker.io/me/app', 'me/app'],
  ['ghcr.io/me/app:v1', 'ghcr.io/me/app:v1', 'ghcr.io/me/app:v1'],
  ['localhost/app', 'localhost/app', 'localhost/app'],
  ['localhost:5000/app', 'localhost:5000/app', 'localhost:5000/app'],
  ['127.0.0.1:5000/a/b/c:t', '127.0.0.1:5000/a/b/c:t', '127.0.0.1:5000/a/b/c:t'],
  ['[::1]:5000/app', '[::1]:5000/app', '[::1]:5000/app'],
  ['[2001:db8::1]/app:t', '[2001:db8::1]/app:t', '[2001:db8::1]/app:t'],
  ['HOST/app', 'HOST/app', 'HOST/app'],
  ['Example.com/app', 'Example.com/app', 'Example.com/app'],
  ['xn--n3h.com/app', 'xn--n3h.com/app', 'xn--n3h.com/app'],
  [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`, `busybox@${DIGEST}`],
  [`r.io/a:t@${DIGEST}`, `r.io/a:t@${DIGEST}`, `r.io/a:t@${DIGEST}`],
  ['a/b-c/d_e/f__g/h.i/j--k', 'docker.io/a/b-c/d_e/f__g/h.i/j--k', 'a/b-c/d_e/f__g/h.i/j--k'],
  ['app:A_b.C-1', 'docker.io/library/app:A_b.C-1', 'app:A_b.C-1'],
  [`app:${'t'.repeat(128)}`, `docker.io/library/app:${'t'.repeat(128)}`, `app:${'t'.repeat(128)}`],
  ['a:80', 'docker.io/library/a:80', 'a:80'],
  ['a:80/b', 'a:80/b', 'a:80/b'],
];

const BAD: readonly [string, RegExp][] = [
  ['', /empty/],
  ['Busybox', /lower case/],
  ['me/App', /lower case/],
  ['ghcr.io/', /not allowed/],
  ['/app', /not allowed/],
  ['app:', /tag "" is not allowed/],
  ['app:.x', /tag/],
  [`app:${'t'.repeat(129)}`, /tag/],
  ['app@sha256:abc', /not a digest/],
  [`app@md5:${'a'.repeat(32)}`, /not a digest/],
  [`app@sha256:${'A'.repeat(64)}`, /not a digest/],
  [HEX, /64 hexadecimal/],
  ['a//b', /not allowed/],
  ['a..b/c/', /not allowed/],
  ['-a/b', /not allowed/],
  ['a-/b', /not allowed/],
  ['a___b', /not allowed/],
  ['a b', /not allowed/],
  ['../etc/passwd', /not allowed/],
  ['http://ghcr.io/app', /not allowed/],
  ['user:pass@ghcr.io/app', /not a digest/],
  ['-host.com/app', /host/],
  ['[::1/app', /not allowed/],
  [`r.io/${'a'.repeat(252)}`, /255/],
];

for (const [text, full, short] of GOOD)
  test(`reference ${text.slice(0, 60)}`, (t) => {
    const reference = parseReference(text);
    t.is(formatReference(reference), full);
    t.is(familiarReference(reference), short);
    t.deepEqual(parseReference(full), reference);
    t.deepEqual(parseReference(short), reference);
  });

for (const [text, why] of BAD)
  test(`no reference: ${JSON.stringify(text.slice(0, 60))}`, (t) => {
    const error = t.throws(() => parseReference(text), { code: 'REFERENCE_INVALID', message: why });
    t.truthy((error as { hint?: string } | undefined)?.hint);
  });

test('latest is added only where there is neither tag nor digest', (t) => {
  t.is(parseTaggedReference('busybox').tag, 'latest');
  t.is(parseTaggedReference('busybox:1').tag, '1');
  t.is(parseTaggedReference(`busybox@${DIGEST}`).tag, undefined);
});

test('the familiar name leaves tag and digest out', (t) => {
  t.is(familiarName(parseReference('docker.io/library/busybox:1')), 'busybox');
  t.is(familiarName(parseReference(`ghcr.io/a/b@${DIGEST}`)), 'ghcr.io/a/b');
});

test('what parses once, formats and parses to itself; nothing else is thrown', (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'aZ0/:.@-_[] '.split(''), 'sha256:'), maxLength: 30 });
  fc.assert(
    fc.property(text, (candidate) => {
      let reference: ReturnType<typeof parseReference>;
      try {
        reference = parseReference(candidate);
      } catch (error) {
        return (error as { code?: string }).code === 'REFERENCE_INVALID';
      }
      t.deepEqual(parseReference(formatReference(reference)), reference);
      t.deepEqual(parseReference(familiarReference(reference)), reference);
      return true;
    }),
    { numRuns: 2000 },
  );
});

test('a hostile name is refused in no time', async (t) => {
  const refuse = (length: number) => {
    const evils = ['a-'.repeat(length), `${'a.'.repeat(length)}/x`, 'a/'.repeat(length), `x:${'a'.repeat(2 * length)}`];
    for (const evil of evils) t.throws(() => parseReference(evil), { code: 'REFERENCE_INVALID' });
  };
  await assertLinear(t, { small: () => refuse(50_000), large: () => refuse(400_000), times: 8 });
});
