import type { SecretSpec, SshSpec } from '../../build-types.ts';
import { parseGitUrl } from '../../remote-url/index.ts';
import { suggest } from '../../suggest.ts';
import { invalidFlag } from '../usage-errors.ts';
import { splitCsv } from './csv.ts';

const KEYS = ['id', 'src', 'source', 'env', 'type'];
const WRITE_SECRET = 'write --secret id=<name>,src=<file> or id=<name>,env=<variable>';
const ENTITLEMENTS = ['network.host', 'security.insecure', 'device'];

/** Reads `--secret` as buildx does: `id=…[,src=…|env=…][,type=file|env]`; with an id alone the variable or the file of that name. */
export function collectSecret(text: string, previous: unknown): SecretSpec[] {
  const collected = (previous as SecretSpec[] | undefined) ?? [];
  // An empty variable of a script gives nothing.
  if (text === '') return collected;
  const fields = splitCsv(text);
  if (fields === undefined) throw invalid(text, 'its quotes do not match');
  const values = new Map<string, string>();
  for (const field of fields) {
    const equals = field.indexOf('=');
    if (equals < 0) throw invalid(text, `${JSON.stringify(field)} is not key=value`, WRITE_SECRET);
    const key = field.slice(0, equals).toLowerCase();
    if (!KEYS.includes(key)) {
      const near = suggest(key, KEYS);
      throw invalid(text, `there is no key ${JSON.stringify(key)}`, near && `did you mean ${near}=?`);
    }
    values.set(key === 'source' ? 'src' : key, field.slice(equals + 1));
  }
  return [...collected, toSpec(text, values)];
}

function toSpec(text: string, values: ReadonlyMap<string, string>): SecretSpec {
  const type = values.get('type');
  if (type !== undefined && type !== 'file' && type !== 'env') throw invalid(text, 'its type is neither file nor env');
  const id = values.get('id');
  if (!id) throw invalid(text, 'it has no id', WRITE_SECRET);
  const [file, env] = [values.get('src'), values.get('env')];
  if (env) return { id, env };
  if (file) return type === 'env' ? { id, env: file } : { id, file };
  return process.env[id] === undefined ? { id, file: id } : { id, env: id };
}

/** Reads `--ssh`: `default` or `<id>[=<socket>|<key>[,<key>…]]`. */
export function collectSsh(text: string, previous: unknown): SshSpec[] {
  const collected = (previous as SshSpec[] | undefined) ?? [];
  if (text === '') return collected;
  const equals = text.indexOf('=');
  const spec: SshSpec =
    equals < 0 ? { id: text, paths: [] } : { id: text.slice(0, equals), paths: text.slice(equals + 1).split(',') };
  return [...collected, spec];
}

/** A context that is fetched by ssh asks the agent of the user's session where no `--ssh` is given, as in buildx. Throws `GIT_URL_INVALID`. */
export function chooseAgents(given: readonly SshSpec[] | undefined, path: string): readonly SshSpec[] | undefined {
  if (given !== undefined && given.length > 0) return given;
  return parseGitUrl(path)?.protocol === 'ssh' ? [{ id: 'default', paths: [] }] : undefined;
}

/** Reads `--allow`: the name of a right, or `device=<name>`. */
export function collectEntitlement(text: string, previous: unknown): string[] {
  const collected = [...((previous as string[] | undefined) ?? [])];
  // Nothing is allowed by an empty variable of a script.
  if (text === '') return collected;
  const [name = ''] = text.split('=');
  if (!ENTITLEMENTS.includes(name) || (text.includes('=') && name !== 'device')) {
    const near = suggest(name, ENTITLEMENTS);
    const hint = near === undefined ? `there are ${ENTITLEMENTS.join(', ')}` : `did you mean ${near}?`;
    throw invalidFlag('--allow', text, 'there is no such entitlement', hint);
  }
  return [...collected, text];
}

function invalid(text: string, why: string, hint?: string): Error {
  return invalidFlag('--secret', text, why, hint);
}
