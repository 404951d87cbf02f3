import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { createSecrets } from '../../src/secrets/index.ts';
import { exec } from '../support/exec.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';

const LIMIT = 500 * 1024;

test('a value comes from a file, the environment or the caller, and is read once', async (t) => {
  const folder = makeTempDir('secret');
  t.teardown(() => removeTree(folder));
  const file = join(folder, 'token');
  writeFileSync(file, 'from a file\n');
  let calls = 0;
  const secrets = createSecrets(
    [
      { id: 'file', file },
      { id: 'env', env: 'TOKEN' },
      { id: 'unset', env: 'NO_SUCH' },
      { id: 'bytes', value: Buffer.from([0, 255]) },
      { id: 'twice', value: Buffer.from('first') },
      { id: 'twice', value: Buffer.from('last') },
      {
        id: 'call',
        value: async () => {
          calls++;
          return Buffer.from('called');
        },
      },
    ],
    { TOKEN: 'from the environment' },
  );
  t.deepEqual([...secrets.values], []);
  const read = async (id: string) => (await secrets.read(id))?.toString('latin1');
  t.is(await read('file'), 'from a file\n');
  writeFileSync(file, 'changed');
  t.is(await read('file'), 'from a file\n');
  t.is(await read('env'), 'from the environment');
  t.is(await read('unset'), '');
  t.is(await read('bytes'), '\0\xff');
  t.is(await read('twice'), 'last');
  t.deepEqual(await Promise.all([read('call'), read('call')]), ['called', 'called']);
  t.is(calls, 1);
  t.is(await read('nobody'), undefined);
  t.true(secrets.has('file'));
  t.false(secrets.has('nobody'));
  t.is([...secrets.values].length, 6);
  const held = await secrets.read('call');
  secrets.dispose();
  t.deepEqual(held, Buffer.alloc(6));
  t.is(await read('call'), undefined);
});

test('a file that is not there or too large is an error before anything is read', (t) => {
  const folder = makeTempDir('secret');
  t.teardown(() => removeTree(folder));
  const large = join(folder, 'large');
  writeFileSync(large, Buffer.alloc(LIMIT + 1));
  mkdirSync(join(folder, 'directory'));
  const error = t.throws(() => createSecrets([{ id: 'a', file: join(folder, 'nothing') }]));
  t.like(error, { code: 'SECRET_UNREADABLE', message: `cannot read the secret "a": ${folder}/nothing does not exist` });
  t.throws(() => createSecrets([{ id: 'a', file: join(folder, 'directory') }]), { message: /is a directory/ });
  t.like(
    t.throws(() => createSecrets([{ id: 'a', file: large }])),
    { code: 'SECRET_TOO_LARGE' },
  );
  writeFileSync(large, Buffer.alloc(LIMIT));
  t.notThrows(() => createSecrets([{ id: 'a', file: large }]));
});

test('the bound holds for what grows, for pipes and for callers too', async (t) => {
  const folder = makeTempDir('secret');
  t.teardown(() => removeTree(folder));
  const pipe = join(folder, 'pipe');
  await exec('mkfifo', [pipe]);
  const secrets = createSecrets([
    { id: 'pipe', file: pipe },
    { id: 'call', value: async () => Buffer.alloc(LIMIT + 1) },
    { id: 'fails', value: () => Promise.reject(new Error('holds the value s3cret')) },
  ]);
  const fed = exec('sh', ['-c', `head -c 2000000 /dev/zero > ${pipe} || true`]);
  t.like(await t.throwsAsync(secrets.read('pipe')), { code: 'SECRET_TOO_LARGE' });
  await fed;
  t.like(await t.throwsAsync(secrets.read('call')), { code: 'SECRET_TOO_LARGE' });
  const failed = await t.throwsAsync(secrets.read('fails'));
  t.like(failed, { code: 'SECRET_UNREADABLE', cause: undefined });
  t.false(failed?.message.includes('s3cret'));
});
