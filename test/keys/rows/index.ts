import type { Scenario } from '../types.ts';
import { ARGUMENTS } from './arguments.ts';
import { FILES } from './files.ts';
import { RUNS } from './runs.ts';
import { STAGES } from './stages.ts';

export const SCENARIOS: readonly Scenario[] = [...ARGUMENTS, ...FILES, ...STAGES, ...RUNS];
