export { initPath, native } from './binding.ts';
export { isNativeError, type NativeError } from './errors.ts';
export type { SandboxApi, SandboxExit, SandboxHandle, SandboxMount, SandboxRequest } from './sandbox-types.ts';
export type * from './types.ts';
