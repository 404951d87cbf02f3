/** What the addon throws. `code` is an errno name (`EPERM`) or one of the addon's own codes. */
export interface NativeError extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly errno?: number;
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && error.name === 'NativeError';
}
