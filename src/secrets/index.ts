export { createSshAgents, sweepAgentSockets } from './agents.ts';
export { createSecrets } from './secrets.ts';
export type * from './types.ts';
