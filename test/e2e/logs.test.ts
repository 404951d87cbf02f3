// However much a step prints: all of it is in the log, and neither a display nor this process grows with it.
import { createReadStream, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, SETTING_NEEDS, type Setting } from './setting.ts';

/** `TSBUILD_TEST_LOG_MIB=1024` for the whole of what the README promises. */
const MIB = Number(process.env.TSBUILD_TEST_LOG_MIB || 64);
const BYTES = MIB * 1024 * 1024;

/** What a display may take: 2 MiB of the step, the prefixes of their lines, and what else a build says. */
const DISPLAY_BYTES = 4 * 1024 * 1024;

function findLog({ tsbuild }: Setting): string {
  const folder = join(tsbuild.root, 'logs');
  const [name = ''] = readdirSync(folder).sort().reverse();
  return join(folder, name);
}

/** Bytes of the step's own output in a log, and its lines, without what the log puts before each; and the lines that say something else. */
async function countOutput(path: string): Promise<{ bytes: number; lines: number; others: readonly string[] }> {
  let [bytes, lines] = [0, 0];
  const others: string[] = [];
  for await (const line of createInterface({
    input: createReadStream(path, 'latin1'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })) {
    // Where another step came in between, the line goes on behind `~`.
    const [, time, text] = /^#\d+ ([\d.]+|~) (.*)$/s.exec(line) ?? [];
    if (!/^x{62}$/.test(text ?? '')) others.push(line.slice(0, 200));
    if (text === undefined) continue;
    bytes += text.length;
    if (time === '~') continue;
    bytes++;
    lines++;
  }
  return { bytes, lines, others };
}

for (const mode of ['plain', 'rawjson', 'quiet'] as const) {
  testNeeding(SETTING_NEEDS, `${MIB} MiB of lines: whole in the log, bounded in ${mode} progress`, async (t) => {
    const setting = await makeSetting(t);
    const line = `${'x'.repeat(62)}\n`;
    const context = setting.context({
      Dockerfile: `${FROM_BUSYBOX}RUN yes ${line.trim()} | head -c ${BYTES - (BYTES % line.length)}; echo the end\n`,
    });
    const result = await setting.build(context, 'talkative', `--progress=${mode}`);
    t.is(result.code, 0, result.stderr.slice(-2000));
    const whole = Math.floor(BYTES / line.length);
    const { bytes, lines, others } = await countOutput(findLog(setting));
    t.deepEqual(
      { bytes, lines },
      { bytes: whole * line.length + 'the end\n'.length, lines: whole + 1 },
      others.slice(0, 50).join('\n'),
    );
    t.true(result.stderr.length < DISPLAY_BYTES, `${result.stderr.length} bytes on display`);
    if (mode !== 'plain') return;
    t.regex(result.stderr, /\[output clipped: 2\.10MB are shown; all of it: less \/.*\.log\]/);
    t.regex(result.stderr, /\[[\d.]+MB left out; the end of the output:\]\n(?:#\d+ [\d.]+ x+\n)+#\d+ [\d.]+ the end\n/);
  });
}

testNeeding(
  SETTING_NEEDS,
  `${MIB} MiB without a line end, with returns and bytes that are no text, byte for byte`,
  async (t) => {
    const setting = await makeSetting(t);
    const piece = '\\033[32m50%%\\033[0m \\377\\376\\200 progress\\r';
    const context = setting.context({
      Dockerfile: `${FROM_BUSYBOX}RUN yes "$(printf '${piece}')" | tr -d '\\n' | head -c ${BYTES}\n`,
    });
    const result = await setting.build(context, 'talkative');
    t.is(result.code, 0, result.stderr.slice(-2000));
    t.true(result.stderr.length < DISPLAY_BYTES, `${result.stderr.length} bytes on display`);
    const log = findLog(setting);
    t.true(statSync(log).size >= BYTES && statSync(log).size < BYTES + 10_000, `${statSync(log).size} bytes of log`);
  },
);
