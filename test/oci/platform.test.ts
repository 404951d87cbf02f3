import test from 'ava';
import { formatPlatform, hostPlatform, matchPlatform, normalizePlatform, parsePlatform } from '../../src/oci/index.ts';

const PARSED: readonly [string, string][] = [
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/x86-64', 'linux/amd64'],
  ['LINUX/AMD64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['linux/i386', 'linux/386'],
  ['linux/i686', 'linux/386'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/arm64/v9', 'linux/arm64/v9'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/7', 'linux/arm/v7'],
  ['linux/arm/v6', 'linux/arm/v6'],
  ['linux/armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['arm64', 'linux/arm64'],
  ['armhf', 'linux/arm/v7'],
  ['s390x', 'linux/s390x'],
  ['riscv64', 'linux/riscv64'],
  ['macos/arm64', 'darwin/arm64'],
  ['windows/amd64', 'windows/amd64'],
];

for (const [text, canonical] of PARSED)
  test(`platform ${text} is ${canonical}`, (t) => {
    const platform = parsePlatform(text);
    t.is(formatPlatform(platform), canonical);
    t.deepEqual(normalizePlatform(platform), platform);
  });

for (const text of ['', '/', 'linux/', '/amd64', 'linux/amd64/v1/x', 'linux amd64', 'plan10', 'linux/amd64;rm'])
  test(`no platform: ${JSON.stringify(text)}`, (t) => {
    t.throws(() => parsePlatform(text), { code: 'PLATFORM_INVALID' });
  });

test('this machine is linux on a known processor', (t) => {
  t.is(hostPlatform().os, 'linux');
  t.deepEqual(parsePlatform('local'), hostPlatform());
  t.deepEqual(parsePlatform('linux'), hostPlatform());
});

/** Wanted, and candidates from best to worst; those after `|` do not serve at all. */
const ORDERS: readonly [string, string][] = [
  ['linux/amd64', 'linux/amd64 linux/386 | linux/amd64/v2 linux/arm64 windows/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3 linux/amd64/v2 linux/amd64 linux/386 | linux/amd64/v4'],
  ['linux/arm/v7', 'linux/arm/v7 linux/arm/v6 linux/arm/v5 | linux/arm64 linux/arm/v8'],
  ['linux/arm/v6', 'linux/arm/v6 linux/arm/v5 | linux/arm/v7'],
  ['linux/arm64', 'linux/arm64 linux/arm/v7 | linux/arm64/v9 linux/amd64'],
  ['linux/arm64/v9', 'linux/arm64/v9 linux/arm64 linux/arm/v7 | '],
  ['linux/386', 'linux/386 | linux/amd64'],
  ['windows/amd64', 'windows/amd64 | linux/amd64'],
];

for (const [wanted, order] of ORDERS)
  test(`what serves ${wanted}`, (t) => {
    const [served = [], refused = []] = order.split('|').map((part) => part.split(' ').filter(Boolean));
    const score = (text: string): number => matchPlatform(parsePlatform(wanted), parsePlatform(text));
    const scores = served.map(score);
    t.true(
      scores.every((value) => value > 0),
      `${served.join()}: ${scores.join()}`,
    );
    t.deepEqual(
      [...scores].sort((a, b) => b - a),
      scores,
    );
    t.is(new Set(scores).size, scores.length);
    for (const text of refused) t.is(score(text), 0, text);
  });
