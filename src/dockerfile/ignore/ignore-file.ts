import { TsbuildError } from '../../errors.ts';
import { cleanPath, trimSpace } from '../text.ts';

/** One pattern of an ignore file and where it stands. */
export interface IgnoreLine {
  readonly pattern: string;
  /** 1-based. */
  readonly line: number;
}

const MAX_LINE_BYTES = 65_535;

/** The patterns of a `.dockerignore`, cleaned, relative to the context root. Throws `IGNORE_FILE_INVALID`. */
export function readIgnoreFile(text: string): string[] {
  return readIgnoreLines(text).map((line) => line.pattern);
}

/** As `readIgnoreFile`, with line numbers. */
export function readIgnoreLines(text: string): IgnoreLine[] {
  const lines: IgnoreLine[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    if (raw.length * 3 > MAX_LINE_BYTES && Buffer.byteLength(raw) > MAX_LINE_BYTES)
      throw new TsbuildError('IGNORE_FILE_INVALID', `ignore file: line ${index + 1} is longer than 65,535 bytes`, {
        details: { line: index + 1 },
      });
    const line = index === 0 && raw.startsWith('\ufeff') ? raw.slice(1) : raw;
    // A comment has its # in the first column; further in it is part of a name.
    if (line.startsWith('#')) continue;
    let pattern = trimSpace(line);
    if (pattern === '') continue;
    const negated = pattern.startsWith('!');
    if (negated) pattern = trimSpace(pattern.slice(1));
    if (pattern !== '') {
      pattern = cleanPath(pattern);
      // An absolute pattern means the context root.
      if (pattern.length > 1 && pattern.startsWith('/')) pattern = pattern.slice(1);
    }
    lines.push({ pattern: negated ? `!${pattern}` : pattern, line: index + 1 });
  }
  return lines;
}
