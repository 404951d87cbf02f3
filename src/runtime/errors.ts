import { TsbuildError } from '../errors.ts';
import type { NativeError } from '../native/index.ts';

/** The container could not be made; says which call failed on what, and what would help. */
export function containerFailed(error: NativeError): TsbuildError {
  const details = {
    errno: error.code,
    ...(error.syscall === undefined ? {} : { syscall: error.syscall }),
    ...(error.path === undefined ? {} : { path: error.path }),
  };
  switch (error.code) {
    case 'SANDBOX_UNKNOWN_USER':
      return new TsbuildError('USER_NOT_FOUND', error.message, {
        cause: error,
        hint: 'create the user in an earlier step (useradd, adduser), or give a numeric id',
        details,
      });
    case 'EPERM':
    case 'EACCES':
      return new TsbuildError('SANDBOX_NOT_PERMITTED', `the container could not be made: ${error.message}`, {
        cause: error,
        hint: 'making containers takes root with CAP_SYS_ADMIN; inside another container, start that one with --privileged',
        details,
      });
    case 'ENOSYS':
      return new TsbuildError('KERNEL_TOO_OLD', `the container could not be made: ${error.message}`, {
        cause: error,
        hint: 'Linux 5.12 or newer is needed',
        details,
      });
    case 'ENOSPC':
      return new TsbuildError('SANDBOX_NO_SPACE', `the container could not be made: ${error.message}`, {
        cause: error,
        hint:
          error.syscall === 'unshare'
            ? 'the limit of namespaces is reached: see /proc/sys/user/max_*_namespaces'
            : 'the file system or its inodes are used up',
        details,
      });
    case 'ENOTDIR':
    case 'EINVAL':
      if (error.syscall === 'move_mount') {
        return new TsbuildError(
          'SANDBOX_MOUNT_TARGET',
          `cannot mount on ${error.path ?? 'the target'}: a directory goes onto a directory, a file onto a file`,
          { cause: error, hint: 'choose a target that is of the same kind, or is not there yet', details },
        );
      }
      if (error.syscall === 'setresuid' || error.syscall === 'setresgid') {
        return new TsbuildError('SANDBOX_USER_NOT_MAPPED', `the container could not be made: ${error.message}`, {
          cause: error,
          hint: 'this user namespace has no such id: give your user a range in /etc/subuid and /etc/subgid',
          details,
        });
      }
      break;
    default:
      break;
  }
  return new TsbuildError('SANDBOX_FAILED', `the container could not be made: ${error.message}`, {
    cause: error,
    details,
  });
}

/** The caller asks for what no kernel can do. */
export function invalidSpec(what: string): TsbuildError {
  return new TsbuildError('INVALID_PROCESS', what);
}
