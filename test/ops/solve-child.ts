// Builds a small graph in the store below the folder that is its argument, and prints what ran. Started by processes.test.ts.
import { copyStep, localContext, runStep } from './steps.ts';
import { openWorkbenchAt } from './workbench.ts';

const bench = await openWorkbenchAt(process.argv[2] ?? '');
const copied = copyStep(bench.base, localContext(), '/', '/context');
const branches = ['1', '2', '3'].map((n) => runStep(copied, `cat /context/file > /out-${n}; echo ${n} >> /out-${n}`));
let head = bench.base;
for (const [i, branch] of branches.entries()) head = copyStep(head, branch, `/out-${i + 1}`, '/');
const { result, executed } = await bench.solve(head);
const texts = ['1', '2', '3'].map((n) => bench.read(result, `/out-${n}`));
console.log(JSON.stringify({ executed, texts }));
await bench.store.close();
