export type { Executor, ExitStatus, ProcessMount, ProcessSpec, RunOptions } from './executor.ts';
export { createExecutor } from './sandbox-executor.ts';
