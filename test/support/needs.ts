import test, { type ExecutionContext, type Implementation } from 'ava';
import { missingNeeds, type Need } from './machine.ts';

/**
 * Declares a test that runs only where its needs are met; elsewhere it is reported as skipped, and the title says what
 * was missing.
 */
export function testNeeding<Context = unknown>(
  needs: readonly Need[],
  title: string,
  run: (t: ExecutionContext<Context>) => void | Promise<void>,
): void {
  const implementation = run as Implementation<[]>;
  const missing = missingNeeds(needs);
  if (missing.length === 0) {
    test(title, implementation);
    return;
  }
  const { skip } = test;
  skip(`${title} (needs ${missing.join(', ')})`, implementation);
}
