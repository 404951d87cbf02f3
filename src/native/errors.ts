/**
 * What the addon throws. `code` is an errno name (`EPERM`) or one of the addon's own, which are stable:
 *
 * - archives: `TAR_BAD_HEADER`, `TAR_TRUNCATED`, `TAR_PATH_ESCAPES`, `TAR_BAD_ENTRY`, `TAR_TOO_LARGE`, `GZIP_CORRUPT`,
 *   `ZSTD_CORRUPT`, `BZIP2_CORRUPT`, `XZ_CORRUPT`, `DIFFID_MISMATCH`
 * - copies: `COPY_SOURCE_NOT_FOUND`, `COPY_TARGET_IS_DIRECTORY`, `COPY_TARGET_NOT_DIRECTORY`, `USER_NOT_FOUND`, `GROUP_NOT_FOUND`,
 *   `MODE_INVALID`
 * - layers that are packed: `FILE_CHANGED`, `OVERLAY_NOT_SUPPORTED`
 */
export interface NativeError extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly path?: string;
  readonly errno?: number;
}

export function isNativeError(error: unknown): error is NativeError {
  return error instanceof Error && error.name === 'NativeError';
}
