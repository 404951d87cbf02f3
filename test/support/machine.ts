import { findCommands } from './exec.ts';

/** What a test or a bench may need of the machine: `root`, or the name of a program. */
export type Need = string;

/** The needs that this machine does not meet. */
export function missingNeeds(needs: readonly Need[]): Need[] {
  return needs.filter((need) => (need === 'root' ? process.getuid?.() !== 0 : findCommands(need).length === 0));
}
