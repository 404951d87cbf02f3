import { homedir } from 'node:os';
import { join } from 'node:path';
import { type AuthFile, readAuthFile } from './auth-file.ts';
import { askCredentialHelper } from './credential-helper.ts';
import type { Credential, CredentialProvider } from './types.ts';

/** The name by which docker keeps Docker Hub's credentials. */
const HUB_KEY = 'https://index.docker.io/v1/';

/**
 * Credentials as `docker login` and `podman login` leave them: docker's config.json (DOCKER_CONFIG), then REGISTRY_AUTH_FILE or
 * podman's auth.json. Files are read when first needed, once. A file or helper that cannot be used is noted in `places` and passed over: an
 * image that everybody may pull needs none.
 */
export function createCredentialProvider(env: NodeJS.ProcessEnv): CredentialProvider {
  const paths = authFilePaths(env);
  const notes = new Map<string, string>();
  let files: AuthFile[] | undefined;
  const answers = new Map<string, Promise<Credential | undefined>>();

  const find = async (domain: string, path: string): Promise<Credential | undefined> => {
    files ??= paths.flatMap((file) => readAuthFile(file, (note) => notes.set(file, `${file} (${note})`)) ?? []);
    for (const file of files) {
      const found = (await askHelpers(file, domain)) ?? findEntry(file, domain, path);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const askHelpers = async (file: AuthFile, domain: string): Promise<Credential | undefined> => {
    const server = domain === 'docker.io' ? HUB_KEY : domain;
    const helper = file.credHelpers[server] ?? file.credHelpers[domain] ?? file.credsStore;
    if (helper === undefined) return undefined;
    return askCredentialHelper(helper, server, env, (note) => notes.set(helper, note));
  };

  return {
    find(domain, path) {
      // A helper may ask the user, or take a second: once per repository.
      const key = `${domain}/${path}`;
      let answer = answers.get(key);
      if (answer === undefined) {
        answer = find(domain, path);
        answers.set(key, answer);
      }
      return answer;
    },
    get places() {
      const helpers = [...notes].filter(([key]) => !paths.includes(key)).map(([, note]) => note);
      return [...paths.map((path) => notes.get(path) ?? path), ...helpers];
    },
  };
}

function authFilePaths(env: NodeJS.ProcessEnv): string[] {
  const home = env.HOME || homedir();
  const docker = join(env.DOCKER_CONFIG || join(home, '.docker'), 'config.json');
  if (env.REGISTRY_AUTH_FILE) return [docker, env.REGISTRY_AUTH_FILE];
  return [
    docker,
    ...(env.XDG_RUNTIME_DIR ? [join(env.XDG_RUNTIME_DIR, 'containers/auth.json')] : []),
    join(env.XDG_CONFIG_HOME || join(home, '.config'), 'containers/auth.json'),
  ];
}

/** The entry of the repository, of a namespace above it, or of the host. */
function findEntry(file: AuthFile, domain: string, path: string): Credential | undefined {
  for (let name = `${domain}/${path}`; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('/')))) {
    const found = file.auths.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}
