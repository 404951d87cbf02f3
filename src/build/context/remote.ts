import type { NamedContext, SourceContext } from '../../dockerfile/convert/types.ts';
import { gitSourceOp, httpSourceOp, redactUrl } from '../../remote-url/index.ts';
import type { NamedSpec } from './named-specs.ts';
import type { RemoteSpec } from './specs.ts';

/** What a download is called in its tree, as in BuildKit: `COPY context` copies it when it is no archive. */
export const DOWNLOAD_NAME = 'context';

export interface RemoteOptions {
  /** `[internal]` or `[context name]`. */
  readonly title: string;
  /** `.git` stays in the tree, whatever the URL says. */
  readonly keepGitDir?: boolean;
}

/** The source op of a git repository or a download. Vertices are named as in BuildKit. */
export function toSourceContext(spec: RemoteSpec, { title, keepGitDir }: RemoteOptions): SourceContext {
  if (spec.type === 'git') {
    const url = keepGitDir ? { ...spec.url, keepGitDir } : spec.url;
    return { type: 'source', ...gitSourceOp(url), title: `[internal] load git source ${redactUrl(spec.text)}` };
  }
  return {
    type: 'source',
    ...httpSourceOp(spec.text, { filename: DOWNLOAD_NAME }),
    title,
    archive: `/${DOWNLOAD_NAME}`,
  };
}

/** A `--build-context` for the conversion; `name` is how the user wrote it, with its platform if there is one. */
export function toNamedContext(name: string, spec: NamedSpec): NamedContext {
  switch (spec.type) {
    case 'directory':
      return { type: 'local', name };
    case 'image':
      return { type: 'image', name, reference: spec.reference };
    case 'layout':
      return { type: 'layout', name };
    case 'stage':
      return { type: 'stage', name: spec.name };
    case 'git':
    case 'http':
      return toSourceContext(spec, { title: `[context ${name}] ${redactUrl(spec.text)}` });
  }
}
