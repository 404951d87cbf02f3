export type { BuiltGraph } from './collect.ts';
export { exportCache, makeInlineCache, type PlacedDestination } from './export.ts';
export { type ImportedCache, importCache, nameSource } from './import.ts';
export { ForeignRecords } from './records.ts';
export { createRegistries, type Registries } from './registries.ts';
