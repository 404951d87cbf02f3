export { createDevices } from './devices.ts';
export type * from './types.ts';
