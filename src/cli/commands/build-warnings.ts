import type { ProgressSink, VertexWarning } from '../../progress/events.ts';
import { cleanText } from '../../progress/terminal-tail.ts';

/** Gathers a build's warnings for a summary below its progress, in buildx's words. */
export function collectWarnings(): { readonly sink: ProgressSink; format(expanded: boolean): string } {
  const warnings: VertexWarning[] = [];
  return {
    sink(status) {
      if (status.warnings !== undefined) warnings.push(...status.warnings);
    },
    format(expanded) {
      if (warnings.length === 0) return '';
      const count = `${warnings.length} warning${warnings.length === 1 ? '' : 's'} found`;
      const lines = warnings.map((warning) => ` - ${formatWarning(warning, expanded)}`);
      return `\n ${count}${expanded ? '' : ' (use --debug to expand)'}:\n${lines.join('\n')}\n`;
    },
  };
}

function formatWarning(warning: VertexWarning, expanded: boolean): string {
  const more = expanded ? [...(warning.detail ?? []), ...(warning.url === undefined ? [] : [warning.url])] : [];
  return [warning.short, ...more].map(cleanText).join('\n   ');
}
