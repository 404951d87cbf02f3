// Flags of build that change what steps get to see, and which of them run again.
import { testNeeding } from '../support/needs.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS } from './setting.ts';

testNeeding(SETTING_NEEDS, '--add-host and --network reach every RUN that says nothing else', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({
    Dockerfile: `${FROM_BUSYBOX}RUN cat /etc/hosts; echo "links $(ls /sys/class/net | tr '\\n' ' ')"\nRUN --network=none echo "none $(ls /sys/class/net)"\n`,
  });
  const hosts = ['--add-host', 'one=10.0.0.1', '--add-host', 'two:[fe80::1]', '--add-host=me=host-gateway'];
  const none = await setting.build(context, 'flags', '--network=none', ...hosts);
  t.is(none.code, 0, outputOf(none));
  for (const line of ['10.0.0.1\tone', 'fe80::1\ttwo', '127.0.0.1\tme', 'links lo ', 'none lo'])
    t.true(none.stderr.includes(`${line}\n`), `${line}: ${none.stderr}`);
  // The address is no part of a step's key.
  const moved = hosts.map((host) => host.replace('10.0.0.1', '10.0.0.2'));
  const again = await setting.build(context, 'flags', '--network=none', ...moved);
  t.is(again.stderr.match(/^#\d+ CACHED$/gm)?.length, 3, outputOf(again));
});

testNeeding(SETTING_NEEDS, '--build-arg-file gives arguments, --build-arg wins over it', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({
    Dockerfile: `${FROM_BUSYBOX}ARG A\nARG B\nARG C=default\nRUN echo "a=$A b=$B c=$C"\n`,
    'one.args': '# first\nA=1\nB=2\n',
    'two.args': 'B=two words\r\n',
  });
  const files = ['--build-arg-file', `${context}/one.args`, '--build-arg-file', `${context}/two.args`];
  const result = await setting.build(context, 'flags', ...files, '--build-arg=A=flag');
  t.is(result.code, 0, outputOf(result));
  t.true(result.stderr.includes(' a=flag b=two words c=default\n'), result.stderr);
  const bad = await setting.build(context, 'flags', '--build-arg-file', `${context}/absent`);
  t.is(bad.code, 125);
  t.regex(bad.stderr, /absent.*--build-arg-file: there is no such file/);
});

testNeeding(
  SETTING_NEEDS,
  '--no-cache-filter runs its stages and what starts from them, as BuildKit does',
  async (t) => {
    const setting = await makeSetting(t);
    const base = FROM_BUSYBOX.replace('busybox:1', 'busybox:1 AS base');
    const context = setting.context({
      Dockerfile: [
        `${base}FROM base AS a`,
        'RUN echo fixed >/a',
        'FROM a AS b',
        'RUN cat /a >/b',
        'FROM base',
        'RUN echo other',
        'COPY --from=a /a /a',
        'COPY --from=b /b /b',
        'RUN cat /a /b',
        '',
      ].join('\n'),
    });
    const first = await setting.build(context, 'flags');
    t.is(first.code, 0, outputOf(first));
    const second = await setting.build(context, 'flags', '--no-cache-filter', 'A,nonesuch');
    t.is(second.code, 0, outputOf(second));
    const states = [
      ...second.stderr.matchAll(/^#\d+ \[([^\]]*)\] (?:RUN|COPY).*\n(?:#\d+ [\d.]+ .*\n)*#\d+ (CACHED|DONE)/gm),
    ];
    t.deepEqual(states.map(([, step, state]) => `${step} ${state}`).sort(), [
      'a 1/1 DONE',
      'b 1/1 DONE',
      'stage-3 1/4 CACHED',
      'stage-3 2/4 CACHED',
      'stage-3 3/4 CACHED',
      'stage-3 4/4 CACHED',
    ]);
    t.regex(second.stderr, /nonesuch/);
    const both = await setting.build(context, 'flags', '--no-cache', '--no-cache-filter=a');
    t.is(both.code, 125);
  },
);

testNeeding(SETTING_NEEDS, 'what is said, and how often', async (t) => {
  const setting = await makeSetting(t);
  const context = setting.context({ Dockerfile: `${FROM_BUSYBOX}ENV A=$X B=$X\n` });
  const plain = await setting.build(context, 'said');
  // Both uses are found, and would be told in the same words. The other one is of the setting.
  t.is(plain.stderr.match(/^ - UndefinedVar: .*\$X/gm)?.length, 1, plain.stderr);
  t.is(plain.stderr.match(/^#1 WARN: UndefinedVar/gm)?.length, 1, plain.stderr);
  t.regex(plain.stderr, /^ 2 warnings found/m);
  for (const flag of ['--quiet', '--progress=quiet']) {
    const quiet = await setting.build(context, 'said', flag);
    t.regex(quiet.stdout, /^sha256:[0-9a-f]{64}\n$/, flag);
    t.is(quiet.stderr, '', flag);
  }
});

testNeeding(SETTING_NEEDS, '--max-parallelism: so many steps at once, from the flag or the environment', async (t) => {
  const setting = await makeSetting(t);
  // Waits a little for others to come, and long for as many as there are to be.
  const step = (i: number): string =>
    `touch /busy/${i}; for try in $(seq 300); do sleep 0.1; [ $(ls /busy | wc -l) -lt $WANTED ] || [ $try -lt 3 ] || break; done; ` +
    `echo "at once: $(ls /busy | wc -l)"; sleep 0.3; rm /busy/${i}`;
  const stage = (i: number): string =>
    `FROM $REGISTRY/busybox:1 AS s${i}\nARG WANTED=1\nRUN --mount=type=cache,id=busy,target=/busy ${step(i)}\n`;
  const numbers = [0, 1, 2, 3, 4];
  const Dockerfile = `ARG REGISTRY\n${numbers.map(stage).join('')}FROM scratch\n${numbers.map((i) => `COPY --from=s${i} /etc/passwd /p${i}\n`).join('')}`;
  const context = setting.context({ Dockerfile });
  const most = async (...flags: string[]): Promise<number> => {
    const built = await setting.build(context, 'busy', '--no-cache', ...flags);
    t.is(built.code, 0, outputOf(built));
    return Math.max(...[...outputOf(built).matchAll(/at once: (\d+)$/gm)].map(([, count]) => Number(count)));
  };
  t.is(await most('--max-parallelism', '1'), 1);
  t.true((await most('--max-parallelism=2')) <= 2);
  t.true((await most('--build-arg=WANTED=3')) > 2);
  const refused = await setting.build(context, 'busy', '--max-parallelism', 'all');
  t.is(refused.code, 125, outputOf(refused));
  const args = ['build', '--progress=plain', '--no-cache', `--build-arg=REGISTRY=${setting.registry.host}`, context];
  const byEnv = await setting.tsbuild.run(args, { env: { TSBUILD_MAX_PARALLELISM: '1' } });
  t.false(/at once: [2-9]/.test(outputOf(byEnv)), outputOf(byEnv));
});
