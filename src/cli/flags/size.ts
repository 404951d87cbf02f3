import { parseBytes } from '../../quantities.ts';
import { invalidFlag } from '../usage-errors.ts';

/** A number of bytes as docker takes it: `2GB`, `512m`, `1.5gib`; units are powers of 1024. Throws `FLAG_INVALID`. */
export function readSize(flag: string, text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined || bytes <= 0) throw invalidFlag(flag, text, 'it is no size', 'write 500MB or 2GB');
  return bytes;
}
