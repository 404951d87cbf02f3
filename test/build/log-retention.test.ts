import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { removeOldLogs, shouldRemoveLogs } from '../../src/build/log-retention.ts';
import { native } from '../../src/native/index.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const logName = (number: number): string => `20260102T0304${String(number).padStart(2, '0')}-0123abcd.log`;

function makeLogs(folder: string, sizes: readonly number[]): void {
  for (const [index, size] of sizes.entries()) {
    writeFileSync(join(folder, logName(index)), '');
    truncateSync(join(folder, logName(index)), size);
  }
}

test('the newest logs are kept, by count and by size', async (t) => {
  const folder = makeTempDir('logs');
  t.teardown(() => removeTree(folder));
  makeLogs(folder, [10, 10, 10, 10, 10, 10]);
  writeFileSync(join(folder, 'notes.log'), '');
  await removeOldLogs(folder, native, { builds: 4, bytes: 1000 });
  t.deepEqual(readdirSync(folder).sort(), [...[2, 3, 4, 5].map(logName), 'notes.log']);
  await removeOldLogs(folder, native, { builds: 4, bytes: 25 });
  t.deepEqual(readdirSync(folder).sort(), [...[4, 5].map(logName), 'notes.log']);
  await removeOldLogs(folder, native, { builds: 4, bytes: 5 });
  t.deepEqual(readdirSync(folder).sort(), [logName(5), 'notes.log']);
});

test('the log of a build that runs stays, and does not push others out', async (t) => {
  const folder = makeTempDir('logs');
  t.teardown(() => removeTree(folder));
  makeLogs(folder, [5000, 10, 10]);
  const running = await native.lockFile({ path: join(folder, logName(0)), exclusive: true, wait: false });
  await removeOldLogs(folder, native, { builds: 2, bytes: 100 });
  t.deepEqual(readdirSync(folder).sort(), [0, 1, 2].map(logName));
  running?.release();
  await removeOldLogs(folder, native, { builds: 2, bytes: 100 });
  t.deepEqual(readdirSync(folder).sort(), [1, 2].map(logName));
});

test('logs are looked at when there are a few too many, or when the newest is large', (t) => {
  const folder = makeTempDir('logs');
  t.teardown(() => removeTree(folder));
  makeLogs(
    folder,
    Array.from({ length: 60 }, () => 1),
  );
  const own = join(folder, logName(59));
  t.false(shouldRemoveLogs(folder, own));
  truncateSync(own, 17 * 1024 ** 2);
  t.true(shouldRemoveLogs(folder, own));
  truncateSync(own, 1);
  writeFileSync(join(folder, logName(60)), '');
  t.true(shouldRemoveLogs(folder, own));
});
