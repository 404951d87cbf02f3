export { createSshAgents, sweepAgentSockets } from './agents.ts';
export { createMasker, type Masker } from './masker.ts';
export { createSecrets } from './secrets.ts';
export type * from './types.ts';
