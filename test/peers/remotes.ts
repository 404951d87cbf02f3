import { join } from 'node:path';
import { makeRepository, startGitHttp } from '../support/git-server.ts';
import { startWebServer } from '../support/web-server.ts';

/** Servers on loopback that all builders may read from, and their URLs as build arguments. */
export interface Remotes {
  readonly buildArgs: readonly string[];
  stop(): Promise<void>;
}

/**
 * `WEB` has the files `/file.txt`, of 3 February 2020, and `/plain`, without a date. `GIT` has `repo.git`: the tag `v1` and the branches
 * `main` and `dev`, each with a change more than the one before.
 */
export async function startRemotes(root: string): Promise<Remotes> {
  const repository = await makeRepository(join(root, 'repo.git'));
  await repository.commit({ 'a.txt': 'one\n', 'dir/b.txt': 'b\n', 'dir/sub/c.txt': 'c\n' });
  await repository.git('tag', '-a', 'v1', '-m', 'v1');
  await repository.commit({ 'a.txt': 'two\n' });
  await repository.git('checkout', '-q', '-b', 'dev');
  await repository.commit({ 'dev.txt': 'dev\n' });
  await repository.git('checkout', '-q', 'main');
  const git = await startGitHttp(root);
  const web = await startWebServer((request, response) => {
    if (request.url?.startsWith('/file.txt')) response.setHeader('last-modified', 'Mon, 03 Feb 2020 10:00:00 GMT');
    response.end('content\n');
  });
  return {
    buildArgs: [`--build-arg=WEB=${web.url}`, `--build-arg=GIT=${git.url}`],
    async stop() {
      await web.stop();
      await git.stop();
    },
  };
}
