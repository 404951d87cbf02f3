export { type ExportedBuild, writeBundle } from './export.ts';
export { type BuildHistory, type BuildInspection, createBuildHistory } from './history.ts';
export { stageOf } from './instructions.ts';
export type { ComparedBuild, ExplainedStep, Explanation, FileDifference, Reason } from './reason-types.ts';
export type { BuildRecorder, ExecutedStep } from './recorder.ts';
export { measureBuild, removeBuild } from './retention.ts';
export type { BuildRecord, BuildStatus, RecordedStep } from './types.ts';
