export type { GitUrl } from './git-url.ts';
export { isGitUrl, isHttpUrl, parseGitUrl } from './git-url.ts';
export { redactUrl } from './redact.ts';
export { fileNameOf, gitSourceOp, type HttpFileOptions, httpSourceOp } from './source-ops.ts';
