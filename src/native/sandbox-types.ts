/** The part of the addon that starts containers. */
export type SandboxApi = object;
