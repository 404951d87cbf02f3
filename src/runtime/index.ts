export type { Executor, ExitStatus, ProcessMount, ProcessSpec, RunOptions, SecretVariable } from './executor.ts';
export { createExecutor } from './sandbox-executor.ts';
