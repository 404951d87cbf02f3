import { posix } from 'node:path';
import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';

export const SecretFileCopied: Rule = {
  name: 'SecretFileCopied',
  description: 'COPY and ADD take no private keys, passwords and tokens into a layer, where everybody can read them',
  own: true,
};

interface SecretFile {
  /** Matches the end of the path. */
  readonly path: RegExp;
  readonly what: string;
  /** What its content has when it is a secret; without it the name tells enough. */
  readonly content?: RegExp;
}

const PRIVATE_KEY = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----/;

const SECRET_FILES: readonly SecretFile[] = [
  { path: /(?:^|\/)id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?$/, what: 'a private key' },
  { path: /(?:^|\/)\.aws\/credentials$/, what: 'the keys of an account' },
  { path: /(?:^|\/)(?:kubeconfig|\.kube\/config)$/, what: 'the keys of a cluster' },
  { path: /(?:^|\/)\.docker\/config\.json$/, what: 'credentials of registries', content: /"auth"\s*:\s*"[^"]/ },
  { path: /(?:^|\/)\.(?:netrc|pgpass|git-credentials|pypirc|vault-token)$/, what: 'passwords' },
  { path: /(?:^|\/)\.env(?:\.local|\.[\w-]+\.local)?$/, what: 'settings that hold secrets', content: /^[^#\n]*=./m },
  {
    path: /(?:^|\/)\.(?:npmrc|yarnrc)$/,
    what: 'a token',
    content: /^[^#;\n]*(?:_auth(?:Token)?|_password)\s*[= ]\s*["']?(?!\$\{)[^\s"']/m,
  },
  { path: /\.(?:pem|key)$/, what: 'a private key', content: PRIVATE_KEY },
  { path: /\.(?:p12|pfx|jks|keystore|kdbx)$/, what: 'private keys' },
];

/** Names of keys that are public, or of bundles of certificates. */
const PUBLIC =
  /(?:^|[-_./])(?:pub|public|ca|cas|cert|certs|certificate|certificates|chain|fullchain|bundle|root|dhparams?)(?:$|[-_./\d])/i;

/** The beginning of a file of the context; `undefined` where it cannot be looked at. */
export type FileReader = (path: string) => string | undefined;

/** A source of COPY or ADD that is read from a context. */
export function checkSecretFile(lint: Linter, source: string, read: FileReader | undefined, token: SourceRange): void {
  const path = posix.normalize(source);
  const file = SECRET_FILES.find((candidate) => candidate.path.test(path));
  if (file === undefined || !isSecret(file, path, read?.(path))) return;
  const message = `${path} holds ${file.what}, and everybody who has the image can read it; use RUN --mount=type=secret`;
  lint.warn(SecretFileCopied, message, token);
}

/** Where secrets often lie in a context; `COPY .` takes them along. */
const USUAL_PLACES = [
  '.env',
  '.env.local',
  '.npmrc',
  '.yarnrc',
  '.netrc',
  '.git-credentials',
  '.pypirc',
  '.aws/credentials',
  '.docker/config.json',
  '.kube/config',
  'kubeconfig',
  'id_rsa',
  'id_ed25519',
  '.ssh/id_rsa',
  '.ssh/id_ed25519',
  'key.pem',
  'private.pem',
  'privkey.pem',
  'server.key',
];

/** A COPY of the whole context: names what lies in the usual places and is not ignored. */
export function checkSecretsInContext(
  lint: Linter,
  isIgnored: (path: string) => boolean,
  read: FileReader,
  token: SourceRange,
): void {
  const found = USUAL_PLACES.filter((path) => {
    const file = SECRET_FILES.find((candidate) => candidate.path.test(path));
    const text = file === undefined || isIgnored(path) ? undefined : read(path);
    return file !== undefined && text !== undefined && isSecret(file, path, text);
  });
  if (found.length === 0) return;
  const message = `this takes ${found.join(', ')} into the image, where everybody can read it; add it to .dockerignore`;
  lint.warn(SecretFileCopied, message, token);
}

function isSecret({ content }: SecretFile, path: string, text: string | undefined): boolean {
  if (content === undefined) return true;
  if (text !== undefined) return content.test(text);
  // A file that a build makes first is judged by its name.
  return content !== PRIVATE_KEY || !PUBLIC.test(path);
}
