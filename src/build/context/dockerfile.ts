import { dirname } from 'node:path';
import type { BuildRequest } from '../../build-types.ts';
import type { SourceContext } from '../../dockerfile/convert/index.ts';
import { errorMessage, TsbuildError } from '../../errors.ts';
import { isHttpUrl, redactUrl } from '../../remote-url/index.ts';
import { suggest } from '../../suggest.ts';
import { dockerfileMissing, dockerfileUnreadable } from '../errors.ts';
import { type DockerfileInput, MAX_DOCKERFILE_BYTES, readDockerfile } from '../inputs.ts';
import { looksLikeArchive, MAGIC_BYTES } from './archive-magic.ts';
import type { MainContext } from './main.ts';
import { DOWNLOAD_NAME, toSourceContext } from './remote.ts';
import { listTreeDirectory, readTreeFile } from './tree-files.ts';

/** Fetches a context, and says where its tree lies. */
export type TreeLoader = (context: SourceContext) => Promise<string>;

/** A Dockerfile whose place is known. */
export interface FoundDockerfile {
  /** For the title of the step. */
  readonly name: string;
  /** Throws `DOCKERFILE_UNREADABLE`. */
  read(): DockerfileInput;
}

/**
 * Finds the Dockerfile of a build: given as text, at a URL, in the directory, or in the tree of the context, which is fetched for it.
 * Throws whatever the context cannot be fetched for.
 */
export async function findDockerfile(
  request: BuildRequest,
  main: MainContext,
  loadTree: TreeLoader,
): Promise<FoundDockerfile> {
  const { dockerfile, dockerfileText } = request;
  const name = dockerfile ?? 'Dockerfile';
  const inTree = (root: string, place: string, path = dockerfile): FoundDockerfile => ({
    name: path ?? name,
    read: () => readInTree(root, path, place),
  });
  const isGiven = dockerfileText !== undefined;
  if (!isGiven && dockerfile !== undefined && isHttpUrl(dockerfile)) {
    const shown = redactUrl(dockerfile);
    const root = await loadTree(downloadOf(dockerfile, `[internal] load ${shown}`));
    return { name: shown, read: () => ({ ...readInTree(root, DOWNLOAD_NAME, dockerfile), fileName: shown }) };
  }
  if (main.type === 'directory') return { name, read: () => readDockerfile(request, main.directory) };
  if (isGiven) return { name, read: () => ({ text: dockerfileText, fileName: name, path: undefined }) };
  if (main.type === 'stream') return { name, read: () => readStreamed(main, dockerfile) };
  const { source, text } = main;
  if (source.archive === undefined) return inTree(await loadTree(source), text);
  const { archive: _, ...download } = source;
  const root = await loadTree(download);
  const beginning = readTreeFile(root, DOWNLOAD_NAME, MAGIC_BYTES)?.content;
  if (beginning !== undefined && looksLikeArchive(beginning)) return inTree(await loadTree(source), text);
  return { name: 'Dockerfile', read: () => ({ ...readInTree(root, DOWNLOAD_NAME, text), fileName: 'Dockerfile' }) };
}

/** A file of the web, as it is. */
function downloadOf(url: string, title: string): SourceContext {
  const { archive: _, ...download } = toSourceContext({ type: 'http', text: url }, { title });
  return download;
}

function readStreamed(
  { directory, dockerfile }: Extract<MainContext, { readonly type: 'stream' }>,
  given: string | undefined,
): DockerfileInput {
  if (dockerfile === undefined) return readInTree(directory, given, 'standard input');
  if (given === undefined) return { text: dockerfile, fileName: 'Dockerfile', path: undefined };
  throw dockerfileUnreadable(given, 'standard input is no archive that could hold it', undefined, HINT_STREAM);
}

const HINT_STREAM = 'without -f standard input is taken as the Dockerfile itself';

/** Reads the Dockerfile that lies in a tree; links in it mean places in it. As docker does: `dockerfile` where there is no `Dockerfile`. */
function readInTree(root: string, given: string | undefined, place: string): DockerfileInput {
  const shown = redactUrl(place);
  for (const path of given === undefined ? ['Dockerfile', 'dockerfile'] : [given]) {
    try {
      const file = readTreeFile(root, path, MAX_DOCKERFILE_BYTES);
      if (file === undefined) continue;
      if (file.total > MAX_DOCKERFILE_BYTES) throw dockerfileUnreadable(path, `it has ${file.total} bytes`);
      return {
        text: file.content.toString('utf8'),
        fileName: path,
        path: undefined,
        readBeside: (suffix, maxBytes) => readTreeFile(root, path + suffix, maxBytes),
      };
    } catch (error) {
      throw error instanceof TsbuildError ? error : dockerfileUnreadable(path, errorMessage(error), error);
    }
  }
  const path = given ?? 'Dockerfile';
  throw dockerfileMissing(`${path} in ${shown}`, hintMissing(root, path, given !== undefined), undefined);
}

/** What is there instead. */
function hintMissing(root: string, path: string, isGiven: boolean): string {
  const directory = dirname(path);
  const names = listTreeDirectory(root, directory);
  const near = suggest(path.slice(path.lastIndexOf('/') + 1), names) ?? names.find((name) => /dockerfile/i.test(name));
  const prefix = directory === '.' ? '' : `${directory}/`;
  if (near !== undefined) return `did you mean -f ${prefix}${near}?`;
  if (names.length === 0)
    return isGiven && directory !== '.' ? `${directory} is not there either` : 'it has no files at all';
  const some = [...names].sort().slice(0, SHOWN_NAMES).join(', ');
  return `${directory === '.' ? 'it' : directory} holds ${some}${names.length > SHOWN_NAMES ? ', …' : ''}; name the Dockerfile with -f`;
}

const SHOWN_NAMES = 8;
