import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store, Table } from '../../store/index.ts';
import type { SnapshotFacts, SnapshotInfo } from '../snapshotter.ts';

/** A committed snapshot in the table `snapshots`, by name. Its directory's name follows from its own. */
export interface SnapshotRecord extends SnapshotFacts {
  readonly parent: string | null;
  readonly createdMs: number;
  /**
   * The boot of the machine in which it was written, until its files are known to be on disk. A kill loses nothing that
   * the kernel has; only a crash of the machine does, so a record that names another boot is not trusted.
   */
  readonly unsettledBoot?: string;
}

export interface SnapshotRecords {
  readonly table: Table<SnapshotRecord>;
  /** `undefined` unless record and files are both there and whole. */
  find(name: string): SnapshotRecord | undefined;
  /** The directory with the snapshot's own files, in overlay form. */
  directory(name: string): string;
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
  return {
    table,
    directory,
    boot: readBoot,
    find(name) {
      const record = table.get(name);
      if (record === undefined) return undefined;
      if (record.unsettledBoot !== undefined && record.unsettledBoot !== readBoot()) return undefined;
      return existsSync(directory(name)) ? record : undefined;
    },
  };
}

/** `snapshots/<name>`, the colon of a digest written as a dash: overlay options and PATH-like lists dislike colons. */
export function snapshotRoot(store: Pick<Store, 'paths'>, name: string): string {
  return join(store.paths.snapshots, name.replace(':', '-'));
}

export function toInfo(name: string, record: SnapshotRecord): SnapshotInfo {
  const { parent, createdMs, diffID, diffSize, contentSize, emptyLayer } = record;
  return {
    name,
    parent: parent ?? undefined,
    createdMs,
    ...(diffID === undefined ? {} : { diffID }),
    ...(diffSize === undefined ? {} : { diffSize }),
    ...(contentSize === undefined ? {} : { contentSize }),
    ...(emptyLayer === undefined ? {} : { emptyLayer }),
  };
}
