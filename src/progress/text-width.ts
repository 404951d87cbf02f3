/**
 * How many columns text takes on a terminal: East Asian wide characters and emoji two, combining and invisible ones
 * none. Escape sequences for colours (SGR) take none either.
 */
const SGR = /^\x1b\[[\d;:]*m/;

// Inside functions: these classes need Unicode's tables, which cost a millisecond where nobody asks for a width.
function isWide(char: string): boolean {
  return /[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u.test(
    char,
  );
}

function isInvisible(char: string): boolean {
  return /[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]/u.test(char);
}

function charWidth(char: string): 0 | 1 | 2 {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x300) return code === 0xad ? 0 : 1;
  if (isInvisible(char)) return 0;
  return isWide(char) ? 2 : 1;
}

export function textWidth(text: string): number {
  let width = 0;
  for (const char of stripColours(text)) width += charWidth(char);
  return width;
}

/** Cuts text to at most `columns`; colours that it set are reset at its end. */
export function cutText(text: string, columns: number): string {
  let width = 0;
  let end = 0;
  let coloured = false;
  while (end < text.length) {
    const sgr = text.charCodeAt(end) === 0x1b ? SGR.exec(text.slice(end, end + 64)) : null;
    if (sgr !== null) {
      coloured = true;
      end += sgr[0].length;
      continue;
    }
    const char = String.fromCodePoint(text.codePointAt(end) ?? 0);
    width += charWidth(char);
    if (width > columns) break;
    end += char.length;
  }
  const cut = text.slice(0, end);
  return coloured ? `${cut}\x1b[0m` : cut;
}

export function stripColours(text: string): string {
  return text.includes('\x1b') ? text.replace(/\x1b\[[\d;:]*m/g, '') : text;
}
