import { openStore } from '../../src/store/index.ts';

// A process of its own that counts in a table: <root> <times>.
const [root, times] = process.argv.slice(2);
const store = await openStore(root);
const table = store.table<number>('counters');
for (let i = 0; i < Number(times); i++) await table.update('shared', (current = 0) => current + 1);
await store.close();
