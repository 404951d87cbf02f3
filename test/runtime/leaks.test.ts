import { readdirSync, readlinkSync } from 'node:fs';
import { testNeeding } from '../support/needs.ts';
import { makeContainerFixture } from './fixture.ts';

/** What this process has open, by kind: numbers of pipes, sockets, memory files, … */
function openFiles(): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const fd of readdirSync('/proc/self/fd')) {
    try {
      const kind = readlinkSync(`/proc/self/fd/${fd}`).replace(/[:\d[\]]+/g, '');
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    } catch {
      // The descriptor of the listing itself.
    }
  }
  return kinds;
}

// Alone in its file: tests of one file share a process, and its descriptors.
testNeeding(['root', 'busybox'], 'three hundred runs, failed ones among them, leave no descriptor open', async (t) => {
  const fixture = await makeContainerFixture();
  t.teardown(() => fixture.dispose());
  const root = fixture.makeRoot();
  await fixture.sh('true', { root });
  const before = openFiles();
  for (let i = 0; i < 300; i++) {
    if (i % 10 === 0) await t.throwsAsync(fixture.sh('true', { root, user: 'nosuch' }));
    else t.is((await fixture.run({ root, args: ['/bin/true'] })).code, 0);
  }
  t.deepEqual(openFiles(), before);
});
