export { unknownScheme } from './errors.ts';
export { createGitSource } from './git/source.ts';
export { createHttpClient, type HttpClient } from './http/client.ts';
export { createHttpSource } from './http/source.ts';
export { createImageSource } from './image.ts';
export { createMetaResolver } from './image-meta.ts';
export { createLocalSource } from './local.ts';
export { schemeOf } from './scheme.ts';
export type { LocalContext, ResolvedSource, Source, SourceOptions } from './types.ts';
