/**
 * Splits one line of comma-separated fields as Go's encoding/csv does, which docker's flags use: a field that begins with
 * a double quote goes to the closing one, a quote in it is doubled. `undefined` for text that is no such line.
 */
export function splitCsv(text: string): string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  while (at <= text.length) {
    if (text[at] === '"') {
      let field = '';
      for (at++; ; at++) {
        if (at >= text.length) return undefined;
        if (text[at] !== '"') field += text[at];
        else if (text[at + 1] === '"') field += text[at++];
        else break;
      }
      at++;
      if (at < text.length && text[at] !== ',') return undefined;
      fields.push(field);
    } else {
      const comma = text.indexOf(',', at);
      const field = text.slice(at, comma < 0 ? undefined : comma);
      if (field.includes('"')) return undefined;
      fields.push(field);
      at = comma < 0 ? text.length : comma;
    }
    if (at >= text.length) break;
    at++;
  }
  return fields;
}
