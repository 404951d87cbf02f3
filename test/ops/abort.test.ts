import { readdirSync } from 'node:fs';
import { testNeeding } from '../support/needs.ts';
import { copyStep, localContext } from './steps.ts';
import { openWorkbench, writeFiles } from './workbench.ts';

const FILES = 5000;

testNeeding(['root', 'busybox'], 'an abort ends a COPY midway, and leaves nothing behind', async (t) => {
  const bench = await openWorkbench(t);
  const names = Array.from({ length: FILES }, (_, i) => `d${i % 50}/f${i}`);
  writeFiles(bench.context, Object.fromEntries(names.map((name) => [name, 'x'.repeat(2000)])));
  for (const afterMs of [0, 5, 20, 60]) {
    const before = readdirSync(bench.store.paths.snapshots).length;
    const reason = new Error(`aborted after ${afterMs} ms`);
    const controller = new AbortController();
    const solving = bench.solve(copyStep(bench.base, localContext(), '/', `/at-${afterMs}`), {
      signal: controller.signal,
    });
    const timer = setTimeout(() => controller.abort(reason), afterMs);
    const outcome = await solving.catch((error: unknown) => error);
    clearTimeout(timer);
    // A quick machine may be done before.
    if (outcome instanceof Error) t.is(outcome, reason);
    else continue;
    t.is(readdirSync(bench.store.paths.snapshots).length, before, `${afterMs} ms`);
  }
});
