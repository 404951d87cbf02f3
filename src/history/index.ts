export { type BuildHistory, type BuildInspection, createBuildHistory } from './history.ts';
export { stageOf } from './instructions.ts';
export type { ComparedBuild, ExplainedStep, Explanation, FileDifference, Reason } from './reason-types.ts';
export type { BuildRecorder, ExecutedStep } from './recorder.ts';
export type { BuildRecord, BuildStatus, RecordedError, RecordedStep } from './types.ts';
