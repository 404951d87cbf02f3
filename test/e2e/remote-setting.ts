import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { startBaseRegistry } from '../support/base-registry.ts';
import { startCountingProxy } from '../support/counting-proxy.ts';
import { writeFiles } from '../support/files.ts';
import { makeRepository, startGitHttp, type TestRepository } from '../support/git-server.ts';
import { makeTempDir, removeTree } from '../support/temp.ts';
import { openTsbuild, type Tsbuild } from '../support/tsbuild.ts';
import { startWebServer, type WebServer } from '../support/web-server.ts';
import { SETTING_NEEDS } from './setting.ts';

export const REMOTE_NEEDS = [...SETTING_NEEDS, 'git'];

/** A registry, a git server and a web server, each of which remembers what it was asked. */
export interface RemoteSetting {
  readonly work: string;
  readonly tsbuild: Tsbuild;
  /** `127.0.0.1:<port>` of the registry, and what stands behind it. */
  readonly registry: string;
  readonly web: WebServer;
  readonly git: WebServer;
  readonly repository: TestRepository;
  /** The file that the web server has at every path. */
  content: string;
  /** How often each was asked so far. */
  readonly asked: () => { readonly registry: number; readonly web: number; readonly git: number };
  /** What each was asked so far, for people to read. */
  readonly requests: () => string;
  /** Writes a context. */
  readonly context: (files: Readonly<Record<string, string>>, name?: string) => string;
  /** Another store. */
  readonly freshStore: () => Tsbuild;
  /** Makes a tag of the registry's busybox mean an image with another label. */
  readonly moveTag: (tag: string) => Promise<void>;
  /** From now on nobody answers. */
  readonly unplug: () => Promise<void>;
}

export async function openRemotes(t: ExecutionContext): Promise<RemoteSetting> {
  const work = makeTempDir('pinned');
  t.teardown(() => removeTree(work));
  const behind = await startBaseRegistry(['busybox']);
  const proxy = await startCountingProxy(behind.host);
  const repository = await makeRepository(join(work, 'repositories/app.git'));
  await repository.commit({ 'a.txt': 'one\n', 'dir/b.txt': 'b\n' });
  const git = await startGitHttp(join(work, 'repositories'));
  const state = { content: 'content\n' };
  const web = await startWebServer((request, response) => {
    const etag = JSON.stringify(state.content.trim());
    response.setHeader('etag', etag);
    response.setHeader('last-modified', 'Mon, 03 Feb 2020 10:00:00 GMT');
    if (request.headers['if-none-match'] === etag) response.writeHead(304).end();
    else response.end(state.content);
  });
  let isPlugged = true;
  const unplug = async (): Promise<void> => {
    if (!isPlugged) return;
    isPlugged = false;
    await Promise.all([proxy.stop(), git.stop(), web.stop()]);
  };
  t.teardown(async () => {
    await unplug();
    await behind.stop();
  });
  const registry = `127.0.0.1:${proxy.port}`;
  let stores = 0;
  const freshStore = (): Tsbuild => openTsbuild(join(work, `store${stores++}`));
  const context = (files: Readonly<Record<string, string>>, name = 'context'): string => {
    writeFiles(join(work, name), files);
    return join(work, name);
  };
  return {
    work,
    tsbuild: freshStore(),
    registry,
    web,
    git,
    repository,
    get content() {
      return state.content;
    },
    set content(text) {
      state.content = text;
    },
    asked: () => ({ registry: proxy.requests.length, web: web.requests.length, git: git.requests.length }),
    requests: () =>
      Object.entries({ registry: proxy, web, git })
        .flatMap(([name, { requests }]) => requests.map(({ method, path }) => `${name}: ${method} ${path}`))
        .join('\n'),
    context,
    freshStore,
    async moveTag(tag) {
      const other = freshStore();
      const folder = context({ Dockerfile: `FROM ${behind.host}/busybox:1\nLABEL moved=${Date.now()}\n` }, 'moved');
      const built = await other.run(['build', '-q', '-t', `${behind.host}/busybox:${tag}`, '--push', folder]);
      if (built.code !== 0) throw new Error(built.stderr);
    },
    unplug,
  };
}
