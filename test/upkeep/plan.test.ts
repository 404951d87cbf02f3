import test from 'ava';
import { compileFilters, parseUntil } from '../../src/upkeep/filters.ts';
import { computeKeepBytes, type PruneRules, planPrune } from '../../src/upkeep/plan.ts';
import { parseSpace, readSettings } from '../../src/upkeep/settings.ts';
import type { UsageItem } from '../../src/upkeep/types.ts';
import { writeFiles } from '../support/files.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const NOW = 1_000_000_000;

function item(id: string, about: Partial<UsageItem> = {}): UsageItem {
  return {
    id,
    kind: 'snapshot',
    type: 'regular',
    path: `/${id}`,
    bytes: 10,
    files: 1,
    parents: [],
    description: id,
    createdMs: 0,
    lastUsedMs: 0,
    usageCount: 0,
    inUse: false,
    mutable: false,
    shared: false,
    reclaimable: true,
    ...about,
  };
}

function plan(items: readonly UsageItem[], rules: Partial<PruneRules> = {}, freeBytes = 1e9): string {
  const totalBytes = items.reduce((sum, { bytes }) => sum + bytes, 0);
  const all = { all: false, filters: compileFilters([]), ...rules };
  return planPrune({ items, totalBytes, freeBytes, nowMs: NOW }, all)
    .map(({ id }) => id)
    .join(' ');
}

test('what stands on something goes before it, the least recently used stack first', (t) => {
  const items = [
    item('base', { lastUsedMs: 1 }),
    item('left', { parents: ['base'], lastUsedMs: 5 }),
    item('right', { parents: ['base'], lastUsedMs: 3 }),
    item('top', { parents: ['left'], lastUsedMs: 4 }),
    item('alone', { lastUsedMs: 2 }),
  ];
  t.is(plan(items), 'alone right top left base');
});

test('a limit is reached, and no more than that: a parent that was old itself does not go before its young child', (t) => {
  const items = [
    item('base', { lastUsedMs: 1, bytes: 100 }),
    item('child', { parents: ['base'], lastUsedMs: 50 }),
    item('other', { lastUsedMs: 20 }),
  ];
  t.is(plan(items, { maxUsedSpace: 115 }), 'other');
  t.is(plan(items, { maxUsedSpace: 109 }), 'other child');
  t.is(plan(items, { maxUsedSpace: 1 }), 'other child base', 'a cap is a cap: the whole stack goes');
  t.is(plan(items, { maxUsedSpace: 1, reservedSpace: 115 }), 'other', 'never below what is reserved');
  t.is(plan(items, { maxUsedSpace: 120 }), '');
});

test('what is needed, used or lent stays, with all below it', (t) => {
  const items = [
    item('base'),
    item('needed', { parents: ['base'], reclaimable: false }),
    item('free', { parents: ['base'] }),
    item('lender'),
    item('borrower', { parents: ['base', 'lender'], inUse: true, reclaimable: false }),
  ];
  t.is(plan(items), 'free');
});

test('shared and internal things go only with --all', (t) => {
  const items = [
    item('private'),
    item('shared', { shared: true }),
    item('stat', { kind: 'stat-cache', type: 'internal' }),
  ];
  t.is(plan(items), 'private');
  t.is(plan(items, { all: true }), 'private shared stat');
});

test('filters and ages choose; what a young child stands on is not old', (t) => {
  const items = [
    item('base', { lastUsedMs: NOW - 10_000 }),
    item('child', { parents: ['base'], lastUsedMs: NOW - 100 }),
    item('mount', { kind: 'cache-mount', type: 'exec.cachemount', mutable: true, lastUsedMs: NOW - 10_000 }),
  ];
  t.is(plan(items, { unusedForMs: 5000 }), 'mount');
  t.is(plan(items, { filters: compileFilters(['until=5s']) }), 'mount');
  t.is(plan(items, { filters: compileFilters(['type=exec.cachemount']) }), 'mount');
  t.is(plan(items, { filters: compileFilters(['type!=exec.cachemount']) }), 'child base');
  t.is(plan(items, { filters: compileFilters(['id=base']) }), '', 'its child stays');
  t.is(plan(items, { filters: compileFilters(['mutable']) }), 'mount');
  t.is(plan(items, { filters: compileFilters(['immutable', 'description~=^ch']) }), 'child');
  t.is(plan(items, { filters: compileFilters(['parents=bas']) }), 'child');
  t.is(plan(items, { filters: compileFilters(['mutable=false', 'inuse=false', 'private']) }), 'child base');
});

test('filters that cannot be read are refused', (t) => {
  for (const text of [
    'nonsense',
    'typ=regular',
    'type=layer',
    'until',
    'until=never',
    'id~=(',
    'shared=perhaps',
    'mutable~=x',
  ])
    t.throws(() => compileFilters([text]), { code: 'FILTER_INVALID' }, text);
  t.throws(() => compileFilters(['descripton=x']), { code: 'FILTER_INVALID' });
});

test('BuildKit’s arithmetic of the three limits', (t) => {
  t.is(computeKeepBytes({}, 100, 0), undefined);
  t.is(computeKeepBytes({ maxUsedSpace: 50 }, 100, 0), 50);
  t.is(computeKeepBytes({ reservedSpace: 30 }, 100, 0), 30);
  t.is(computeKeepBytes({ maxUsedSpace: 50, minFreeSpace: 60 }, 100, 0), 40);
  t.is(computeKeepBytes({ minFreeSpace: 60 }, 100, 20), 60);
  t.is(computeKeepBytes({ minFreeSpace: 60, reservedSpace: 80 }, 100, 20), 80);
  t.is(computeKeepBytes({ minFreeSpace: 600 }, 100, 20), 0);
  t.is(computeKeepBytes({ minFreeSpace: 60 }, 100, 80), Number.POSITIVE_INFINITY, 'enough is free');
});

test('sizes, spans and settings', (t) => {
  t.is(parseSpace('x', '10GB', 0), 10 * 1024 ** 3);
  t.is(parseSpace('x', '1.5k', 0), 1536);
  t.is(parseSpace('x', '20%', 1000), 200);
  t.throws(() => parseSpace('x', 'much', 0), { code: 'SETTING_INVALID' });
  t.is(parseUntil('u', '1h30m'), 5_400_000);
  t.is(parseUntil('u', '2d'), 172_800_000);
  t.is(parseUntil('u', '1970-01-01T00:00:01Z', 5000), 4000);
  const root = makeTempDir('settings');
  t.teardown(() => removeTree(root));
  const defaults = readSettings(root, {});
  t.true(defaults.enabled);
  t.true(defaults.maxUsedSpace <= 100e9 && defaults.reservedSpace <= 10e9);
  writeFiles(root, { 'config.json': '{"gc":{"maxUsedSpace":"1GB","enabled":false,"keepDuration":"24h"}}' });
  t.like(readSettings(root, {}), { maxUsedSpace: 1024 ** 3, enabled: false, keepDurationMs: 86_400_000 });
  t.like(readSettings(root, { TSBUILD_MAX_USED_SPACE: '5MB', TSBUILD_GC: 'on' }), {
    maxUsedSpace: 5 * 1024 ** 2,
    enabled: true,
  });
  t.throws(() => readSettings(root, { TSBUILD_GC: 'maybe' }), { code: 'SETTING_INVALID' });
  // A limit that was asked for is not undone by a reserve that was not.
  t.is(readSettings(root, { TSBUILD_MAX_USED_SPACE: '5MB' }).reservedSpace, 5 * 1024 ** 2);
  writeFiles(root, { 'config.json': '{"gc": {"maxUsdSpace": "1GB"}}' });
  t.like(
    t.throws(() => readSettings(root, {})),
    { code: 'SETTING_INVALID', hint: 'did you mean maxUsedSpace?' },
  );
  for (const text of ['{', '[]', '{"gc": 1}']) {
    writeFiles(root, { 'config.json': text });
    const error = t.throws(() => readSettings(root, {}), { code: 'SETTING_INVALID' });
    t.regex(error?.message ?? '', /^cannot read the settings in .*config\.json: /);
    t.regex((error as { hint?: string }).hint ?? '', /JSON/);
  }
});
