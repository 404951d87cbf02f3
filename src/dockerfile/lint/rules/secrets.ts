import type { SourceRange } from '../../position.ts';
import type { Linter } from '../linter.ts';
import type { Rule } from '../types.ts';
import { docsUrl } from './docs.ts';

export const SecretsUsedInArgOrEnv: Rule = {
  name: 'SecretsUsedInArgOrEnv',
  description: 'Passwords, keys and tokens are neither ARG nor ENV: both stay readable in the image',
  url: docsUrl('secrets-used-in-arg-or-env'),
};

const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const HARMLESS = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** Whether a variable of that name holds what nobody is to read. */
export function looksSecret(name: string): boolean {
  return SECRET.test(name) && !HARMLESS.test(name);
}

/** The name of a variable that ARG or ENV sets. */
export function checkSecretName(lint: Linter, keyword: 'ARG' | 'ENV', name: string, token: SourceRange): void {
  if (!looksSecret(name)) return;
  const message = `${keyword} ${name} looks like a secret and stays readable in the image; use RUN --mount=type=secret`;
  lint.warn(SecretsUsedInArgOrEnv, message, token);
}
