import { type BuildRecord, RECORD_FORMAT } from '../../src/history/types.ts';
import { digestOf } from '../../src/oci/index.ts';

/** A record as a build that ended well leaves it, but for what is given. */
export function makeRecord(fields: Readonly<Record<string, unknown>> & { readonly id: string }): BuildRecord {
  return {
    format: RECORD_FORMAT,
    name: 'app',
    project: digestOf('project'),
    status: 'completed',
    createdMs: 1_767_323_000_000,
    completedMs: 1_767_323_001_500,
    context: '/src/app',
    dockerfile: { name: 'Dockerfile' },
    tags: [],
    buildArgs: {},
    labels: {},
    options: {},
    counts: { total: 3, completed: 3, executed: 1, cached: 1 },
    outputs: { names: [] },
    lists: [],
    ...fields,
  };
}
