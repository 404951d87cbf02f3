import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store, Table } from '../../store/index.ts';
import type { SnapshotFacts, SnapshotInfo } from '../snapshotter.ts';

/** A committed snapshot in the table `snapshots`, by name. Its directory's name follows from its own. */
export interface SnapshotRecord extends SnapshotFacts {
  readonly parent: string | null;
  readonly createdMs: number;
  /** The snapshot whose changes these are: they lie in its directory, and what is learnt of them is written into its record. */
  readonly changesOf?: string;
  /** Of a snapshot with another's changes: its own directory is mounted above them, for the root that it shows. */
  readonly ownRoot?: boolean;
  /**
   * The boot of the machine in which it was written, until its files are known to be on disk. A kill loses nothing that
   * the kernel has; only a crash of the machine does, so a record that names another boot is not trusted.
   */
  readonly unsettledBoot?: string;
}

export interface SnapshotRecords {
  readonly table: Table<SnapshotRecord>;
  /** `undefined` unless record and files are both there and whole, another's where the changes are another's. */
  find(name: string): SnapshotRecord | undefined;
  /** The directory that is the snapshot's own, in overlay form. */
  directory(name: string): string;
  /** The directory whose root is the one that the snapshot shows when it is mounted. */
  topDirectory(name: string): string;
  readonly boot: () => string;
}

export function openRecords(store: Pick<Store, 'table' | 'paths'>): SnapshotRecords {
  const table = store.table<SnapshotRecord>('snapshots');
  let boot: string | undefined;
  const readBoot = (): string => {
    boot ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return boot;
  };
  const directory = (name: string): string => join(snapshotRoot(store, name), 'fs');
  const find = (name: string): SnapshotRecord | undefined => {
    const record = table.get(name);
    if (record === undefined) return undefined;
    if (record.unsettledBoot !== undefined && record.unsettledBoot !== readBoot()) return undefined;
    if (!existsSync(directory(name))) return undefined;
    if (record.changesOf === undefined) return record;
    const lender = find(record.changesOf);
    return lender && { ...record, createdMs: lender.createdMs, ...pickFacts(lender) };
  };
  const topDirectory = (name: string): string => {
    const { changesOf, ownRoot } = table.get(name) ?? {};
    return directory(changesOf === undefined || ownRoot ? name : changesOf);
  };
  return { table, directory, topDirectory, boot: readBoot, find };
}

/** Of all records, whole or not. */
export function listSnapshotNames(store: Pick<Store, 'table'>): readonly string[] {
  return Array.from(store.table<SnapshotRecord>('snapshots').entries(), ({ key }) => key);
}

/** `snapshots/<name>`, the colon of a digest written as a dash: overlay options and PATH-like lists dislike colons. */
export function snapshotRoot(store: Pick<Store, 'paths'>, name: string): string {
  return join(store.paths.snapshots, name.replace(':', '-'));
}

export function toInfo(name: string, record: SnapshotRecord): SnapshotInfo {
  const { parent, changesOf, createdMs } = record;
  return {
    name,
    parent: parent ?? undefined,
    ...(changesOf === undefined ? {} : { changesOf }),
    createdMs,
    ...pickFacts(record),
  };
}

function pickFacts({ diffID, diffSize, contentSize, emptyLayer }: SnapshotRecord): SnapshotFacts {
  return {
    ...(diffID === undefined ? {} : { diffID }),
    ...(diffSize === undefined ? {} : { diffSize }),
    ...(contentSize === undefined ? {} : { contentSize }),
    ...(emptyLayer === undefined ? {} : { emptyLayer }),
  };
}
