import { TerminalTail } from '../../progress/terminal-tail.ts';

/** No more of a step's output than this is shown with its error. */
const OUTPUT_LINES = 20;

/** The last lines that a step printed, each with its end, as a terminal would show them when nothing more comes. */
export function drawOutput(output: string): readonly string[] {
  const tail = new TerminalTail(OUTPUT_LINES);
  tail.append(Buffer.from(`${output}\n`), 0);
  // A colour ends with its line.
  return tail.lines().map(({ text }) => (text.includes('\x1b') ? `${text}\x1b[0m\n` : `${text}\n`));
}
