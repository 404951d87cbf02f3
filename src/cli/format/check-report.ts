import type { CheckReport, CheckWarning } from '../../build/call/types.ts';
import { formatFrame } from '../../dockerfile/frame.ts';
import { cleanLines, cleanText } from '../../progress/terminal-tail.ts';

/** What the checks found, each with the lines that it is about. */
export function formatCheckReport({ warnings, sources }: CheckReport): string {
  const { length } = warnings;
  if (length === 0) return 'Check complete, no warnings found.\n';
  const count = length === 1 ? '1 warning has' : `${length} warnings have`;
  const inOrder = warnings.toSorted((a, b) => firstLine(a) - firstLine(b));
  const files = sources.map(({ filename, data }) => ({ filename, text: Buffer.from(data, 'base64').toString('utf8') }));
  const parts = inOrder.map((warning) => formatWarning(warning, files));
  return [`Check complete, ${count} been found!\n`, ...parts].join('\n');
}

/** What is about no place of the file comes first. */
function firstLine({ location }: CheckWarning): number {
  return location.ranges?.[0]?.start.line ?? 0;
}

interface SourceFile {
  readonly filename: string;
  readonly text: string;
}

function formatWarning(warning: CheckWarning, sources: readonly SourceFile[]): string {
  const { ruleName, url, detail, location } = warning;
  const lines = [`WARNING: ${ruleName}${url === undefined ? '' : ` - ${url}`}`, cleanText(detail)];
  const source = sources[location.sourceIndex ?? 0];
  const { token } = location;
  if (source !== undefined && token !== undefined) {
    const { start, end } = token;
    lines.push(
      cleanText(`${source.filename}:${start.line}:${start.character + 1}`),
      cleanLines(
        formatFrame(source.text, {
          start: { line: start.line, column: start.character },
          end: { line: end.line, column: end.character },
        }),
      ),
    );
  }
  return `${lines.join('\n')}\n`;
}
