import { suggest } from '../../suggest.ts';
import { didYouMean, syntaxError } from '../errors.ts';
import type { Token } from '../parser/ast.ts';
import { parseBool } from './bool.ts';
import { splitCsv } from './csv.ts';

/** `RUN --device=name[,required]`. */
export interface DeviceFlag {
  /** As the step calls it: `vendor.com/class=name`, a kind, or a class. */
  readonly name: string;
  readonly required: boolean;
}

const KEYS = ['name', 'required'];

/** What is no field of its own is the name, which has a `=` as a rule. No variable is replaced. */
export function parseDevice(token: Token): DeviceFlag {
  const fail = (why: string, hint?: string): Error => syntaxError(`device: ${why}`, token.range, hint);
  const fields = splitCsv(token.value);
  if (fields === undefined) throw fail('it is empty, or a badly quoted comma-separated value');
  let name = '';
  let required = false;
  for (const field of fields) {
    const equals = field.indexOf('=');
    const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
    const value = field.slice(equals + 1);
    if (key === 'required') {
      required = equals < 0 || parseBool(value, key, (why) => syntaxError(`device: ${why}`, token.range));
    } else if (key === 'name' && equals >= 0) {
      if (name !== '') throw fail(`it is named twice, ${JSON.stringify(name)} and ${JSON.stringify(value)}`);
      name = value;
    } else if (name === '') {
      name = field;
    } else if (equals < 0) {
      throw fail(`${JSON.stringify(field)} must be a key=value pair`);
    } else {
      throw fail(`unexpected key ${JSON.stringify(key)} in ${JSON.stringify(field)}`, didYouMean(suggest(key, KEYS)));
    }
  }
  return { name, required };
}
