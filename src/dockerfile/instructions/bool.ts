import type { DockerfileError } from '../errors.ts';

/** What Go's strconv.ParseBool takes. */
export function parseBool(value: string, name: string, fail: (why: string) => DockerfileError): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw fail(`${name} is ${JSON.stringify(value)}, expected true or false`);
}
