export type { GitUrl } from './git-url.ts';
export { isGitUrl, isHttpUrl, parseGitUrl } from './git-url.ts';
export { maskUrls, redactUrl, redactUrls } from './redact.ts';
export { fileNameOf, gitSourceOp, type HttpFileOptions, httpSourceOp } from './source-ops.ts';
export { userOf } from './user.ts';
