import type { Store } from '../store/index.ts';

/** What a store takes, as it was last measured and added up since: good enough to know when it is time to measure again. */
export interface RecordedTotal {
  readonly bytes: number;
  readonly measuredMs: number;
  /** When it was last looked for what nobody has used for long. */
  readonly agedMs?: number;
}

const KEY = 'total';

const tableOf = (store: Pick<Store, 'table'>) => store.table<RecordedTotal>('disk-usage');

export function readTotal(store: Pick<Store, 'table'>): RecordedTotal | undefined {
  return tableOf(store).get(KEY);
}

/** After everything was measured. */
export async function recordTotal(store: Pick<Store, 'table'>, bytes: number): Promise<void> {
  await tableOf(store).update(KEY, (current) => ({ ...current, bytes, measuredMs: Date.now() }));
}

/** After something was made. */
export async function addToTotal(store: Pick<Store, 'table'>, bytes: number): Promise<RecordedTotal | undefined> {
  return tableOf(store).update(KEY, (current) => current && { ...current, bytes: current.bytes + bytes });
}

export async function recordAging(store: Pick<Store, 'table'>): Promise<void> {
  await tableOf(store).update(KEY, (current) => current && { ...current, agedMs: Date.now() });
}
