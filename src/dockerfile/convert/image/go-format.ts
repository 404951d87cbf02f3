const SHORT: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** History entries are written as Go prints values, since that is what every tool that reads them has seen. */
function quoteGo(text: string): string {
  let out = '"';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const short = SHORT[char];
    if (short !== undefined) out += short;
    // Printable ASCII needs no Unicode tables, which cost milliseconds to load.
    else if ((code >= 0x20 && code < 0x7f) || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)) out += char;
    else if (code < 0x80) out += `\\x${hex(code, 2)}`;
    else out += code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
  }
  return `${out}"`;
}

/** `["a" "b"]` (%q of a slice). */
export function quoteGoList(list: readonly string[]): string {
  return `[${list.map(quoteGo).join(' ')}]`;
}

/** `[a b]` (%v of a slice). */
export function formatGoList(list: readonly string[]): string {
  return `[${list.join(' ')}]`;
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0');
}
