import test from 'ava';
import type { NativeError } from '../../src/native/index.ts';
import { containerFailed } from '../../src/runtime/errors.ts';
import { createExecutor, type ProcessSpec } from '../../src/runtime/index.ts';
import { defaultSpec } from './fixture.ts';

function nativeError(code: string, syscall: string, path?: string): NativeError {
  const error = new Error(`${code}: what the system says, ${syscall}`);
  return Object.assign(error, { name: 'NativeError', code, syscall, ...(path === undefined ? {} : { path }) });
}

test('errors of the system say what failed and what to do', (t) => {
  const cause = nativeError('EPERM', 'unshare', 'namespaces');
  const error = containerFailed(cause);
  t.is(error.code, 'SANDBOX_NOT_PERMITTED');
  t.is(error.cause, cause);
  t.deepEqual(error.details, { errno: 'EPERM', syscall: 'unshare', path: 'namespaces' });
  t.regex(error.hint ?? '', /root with CAP_SYS_ADMIN/);
  t.is(containerFailed(nativeError('ENOSYS', 'mount_setattr')).code, 'KERNEL_TOO_OLD');
  t.regex(containerFailed(nativeError('ENOSPC', 'unshare')).hint ?? '', /max_\*_namespaces/);
  t.is(containerFailed(nativeError('ENOTDIR', 'open', '/a')).code, 'SANDBOX_FAILED');
});

const REFUSED: readonly (readonly [what: string, change: Partial<ProcessSpec>, message: RegExp])[] = [
  ['no command', { args: [] }, /no command/],
  ['a relative working directory', { cwd: 'tmp' }, /"tmp" is not an absolute path/],
  ['a relative mount target', { mounts: [{ type: 'tmpfs', target: 'x' }] }, /"x" is not an absolute path/],
  ['a mount over the root', { mounts: [{ type: 'tmpfs', target: '/a/..' }] }, /over the root/],
  ['a zero byte in an argument', { args: ['true', 'a\0b'] }, /zero byte/],
  ['a zero byte in the environment', { env: ['A=\0'] }, /zero byte/],
  ['a zero byte in a mount target', { mounts: [{ type: 'tmpfs', target: '/a\0b' }] }, /zero byte/],
];

for (const [what, change, message] of REFUSED) {
  test(`${what} is refused before anything is made`, async (t) => {
    const spec = { ...defaultSpec({ lowers: [] }), ...change };
    await t.throwsAsync(createExecutor().run(spec, { onOutput() {} }), { code: 'INVALID_PROCESS', message });
  });
}
