import type { Display, Write } from './display-types.ts';
import { PlainPrinter } from './plain-printer.ts';

/** Output comes at most this often, so that steps that run side by side do not alternate line by line. */
const PRINT_INTERVAL_MS = 100;
const TICK_MS = 150;

/** `--progress plain`: lines for logs, in the shapes of BuildKit. */
export function createPlainDisplay(options: { readonly write: Write }): Display {
  const printer = new PlainPrinter({ write: (data) => options.write(Buffer.from(data)) });
  let printedMs = 0;
  const print = (): void => {
    const now = Date.now();
    if (now - printedMs < PRINT_INTERVAL_MS) return;
    printedMs = now;
    printer.print(now);
  };
  const timer = setInterval(print, TICK_MS);
  timer.unref();
  return {
    sink(status) {
      printer.update(status, Date.now());
      print();
    },
    finish() {
      clearInterval(timer);
      printer.finish(Date.now());
    },
  };
}
