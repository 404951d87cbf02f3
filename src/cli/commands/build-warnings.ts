import type { ProgressSink, VertexWarning } from '../../progress/events.ts';
import { cleanLines, cleanText } from '../../progress/terminal-tail.ts';

/** Gathers a build's warnings for a summary below its progress, in buildx's words. */
export function collectWarnings(): { readonly sink: ProgressSink; format(expanded: boolean): string } {
  const found = new Map<string, VertexWarning>();
  return {
    sink(status) {
      // A variable that a line reads twice is said once.
      for (const warning of status.warnings ?? []) {
        const key = JSON.stringify([warning.vertex, warning.short]);
        if (!found.has(key)) found.set(key, warning);
      }
    },
    format(expanded) {
      const warnings = [...found.values()];
      if (warnings.length === 0) return '';
      const count = `${warnings.length} warning${warnings.length === 1 ? '' : 's'} found`;
      const lines = warnings.map((warning) => ` - ${formatWarning(warning, expanded)}`);
      return `\n ${count}${expanded ? '' : ' (use --debug to expand)'}:\n${lines.join('\n')}\n`;
    },
  };
}

function formatWarning(warning: VertexWarning, expanded: boolean): string {
  const { short, detail = [], url, frame } = warning;
  if (!expanded) return cleanText(short);
  const about = [short, ...detail, ...(url === undefined ? [] : [url])].map(cleanText);
  // Tabs of the frame stay: the carets below stand behind the same ones.
  const lines = frame === undefined ? [] : cleanLines(frame).split('\n');
  return [...about, ...lines].join('\n   ');
}
