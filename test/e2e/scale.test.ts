// A Dockerfile of a few thousand steps.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testNeeding } from '../support/needs.ts';
import { makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

const STAGES = 2000;

testNeeding(SETTING_NEEDS, 'two thousand stages that copy from one another', async (t) => {
  t.timeout(1_800_000);
  const setting = await makeSetting(t);
  const stage = (i: number): string =>
    `FROM scratch AS s${i}\nCOPY --from=s${i - 1} /file /file\n${i % 2 === 0 ? `COPY more /more${i}\n` : ''}`;
  const stages = Array.from({ length: STAGES }, (_, i) => stage(i + 1)).join('');
  const context = setting.context({
    Dockerfile: `FROM scratch AS s0\nCOPY file /file\n${stages}`,
    file: 'one\n',
    more: 'more\n',
  });
  const dest = join(setting.work, 'out');
  const build = () => setting.tsbuild.run(['build', '--progress=plain', '-o', dest, context], { timeoutMs: 600_000 });
  const first = await build();
  t.is(first.code, 0, outputOf(first).slice(-2000));
  const again = await build();
  t.is(again.code, 0, outputOf(again).slice(-2000));
  t.is([...outputOf(again).matchAll(/^#\d+ CACHED$/gm)].length, STAGES * 1.5 + 1);
  writeFileSync(join(context, 'file'), 'two\n');
  const changed = await build();
  t.is(changed.code, 0, outputOf(changed).slice(-2000));
  t.regex(outputOf(changed), /CACHED/);
});
