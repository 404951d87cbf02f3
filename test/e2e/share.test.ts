// Two builds on one store do equal work once.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { startCountingProxy } from '../support/counting-proxy.ts';
import { testNeeding } from '../support/needs.ts';
import { TSBUILD } from '../support/tsbuild.ts';
import { startWebServer } from '../support/web-server.ts';
import { FROM_BUSYBOX, makeSetting, outputOf, SETTING_NEEDS, untilStarted } from './setting.ts';

/** Each run of the step leaves a line in a cache that outlives it. */
const COUNTED = (more: string): string =>
  `${FROM_BUSYBOX}RUN --mount=type=cache,id=count,target=/count echo ran >>/count/runs && echo 'is st''arted' && ${more}\n`;
const COUNT = `${FROM_BUSYBOX}RUN --mount=type=cache,id=count,target=/count echo "runs: $(wc -l </count/runs)"\n`;

async function openRoom(t: Parameters<typeof makeSetting>[0]) {
  const setting = await makeSetting(t);
  const { tsbuild, registry } = setting;
  const start = (context: string) =>
    spawn(TSBUILD, ['build', '--progress=plain', `--build-arg=REGISTRY=${registry.host}`, context], {
      env: tsbuild.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const claims = () => readdirSync(join(tsbuild.root, 'locks')).filter((name) => name.startsWith('claim-'));
  const count = async (): Promise<string> =>
    outputOf(await setting.build(setting.context({ Dockerfile: COUNT }, 'count'), 'count', '--no-cache'));
  return { setting, start, claims, count };
}

testNeeding(SETTING_NEEDS, 'a step that another build executes is waited for, and its result shared', async (t) => {
  const { setting, start, claims, count } = await openRoom(t);
  const context = setting.context({ Dockerfile: COUNTED('sleep 2 && echo done >/result') });
  const first = start(context);
  const ended = once(first, 'exit');
  const { said } = await untilStarted(first);
  const second = await setting.build(context, 'second');
  t.is(second.code, 0, outputOf(second));
  t.regex(outputOf(second), /waiting for the same step of another build/);
  t.regex(outputOf(second), /CACHED/);
  t.deepEqual(await ended, [0, null], said());
  t.regex(await count(), /runs: 1/);
  t.deepEqual(claims(), []);
});

testNeeding(SETTING_NEEDS, 'a step whose build is killed is done by the one that waits for it', async (t) => {
  const { setting, start, claims, count } = await openRoom(t);
  const context = setting.context({ Dockerfile: COUNTED('sleep 1 && echo done >/result') });
  const first = start(context);
  await untilStarted(first);
  const second = setting.build(context, 'second');
  const killed = once(first, 'exit');
  first.kill('SIGKILL');
  await killed;
  t.is((await second).code, 0, outputOf(await second));
  t.regex(await count(), /runs: 2/);
  t.deepEqual(claims(), []);
});

testNeeding(
  SETTING_NEEDS,
  'steps with one locked cache mount, of builds that share steps, wait in no circle',
  async (t) => {
    const { setting, claims } = await openRoom(t);
    const locked = (name: string) =>
      `RUN --mount=type=cache,id=${name},target=/${name},sharing=locked --mount=type=cache,id=z,target=/z,sharing=locked sleep 0.1 && echo ${name}\n`;
    const stage = (name: string, ids: readonly string[]) =>
      `FROM $REGISTRY/busybox:1 AS ${name}\n${ids.map(locked).join('')}`;
    const file = (one: string, two: string) =>
      `ARG REGISTRY\n${stage('one', one.split(''))}${stage('two', two.split(''))}FROM one\nCOPY --from=two /etc/passwd /p\n`;
    const results = await Promise.all(
      [file('abc', 'cba'), file('cba', 'abc'), file('bca', 'acb'), file('abc', 'acb')].map((Dockerfile, i) =>
        setting.build(
          setting.context({ Dockerfile }, `context${i}`),
          `circle${i}`,
          '--max-parallelism',
          String(1 + (i % 2)),
        ),
      ),
    );
    for (const result of results) t.is(result.code, 0, outputOf(result));
    t.deepEqual(claims(), []);
  },
);

testNeeding(
  SETTING_NEEDS,
  'what two builds fetch at once is fetched once: layers of a base, a file of the web',
  async (t) => {
    const setting = await makeSetting(t);
    const proxy = await startCountingProxy(setting.registry.host);
    t.teardown(() => proxy.stop());
    const web = await startWebServer((_, response) => {
      setTimeout(() => response.writeHead(200, { etag: '"one"' }).end('from the web\n'), 300);
    });
    t.teardown(() => web.stop());
    const built = await Promise.all(
      ['one', 'two', 'three'].map((name) => {
        const Dockerfile = `FROM 127.0.0.1:${proxy.port}/busybox:1\nADD ${web.url}/file /file\nRUN echo ${name} >/name\n`;
        return setting.build(setting.context({ Dockerfile }, name), name);
      }),
    );
    for (const result of built) t.is(result.code, 0, outputOf(result));
    const blobs = proxy.requests.filter(({ method, path }) => method === 'GET' && path.includes('/blobs/'));
    const paths = blobs.map(({ path }) => path);
    // The config is small, and each build reads it.
    const layers = paths.filter((path) => paths.indexOf(path) !== paths.lastIndexOf(path));
    t.true(new Set(layers).size <= 1, layers.join());
    t.is(web.requests.filter(({ headers }) => headers['if-none-match'] === undefined).length, 1);
  },
);
