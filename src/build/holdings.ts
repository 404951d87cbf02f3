import type { BuildRequest } from '../build-types.ts';
import { createDevices, type Devices } from '../devices/index.ts';
import { native } from '../native/index.ts';
import { createSecrets, createSshAgents, type Secrets, type SshAgents } from '../secrets/index.ts';
import type { Workspace } from '../workspace.ts';
import { type BuildLog, openBuildLog } from './log.ts';

/** What a build holds from its beginning to its end, however it ends. */
export interface Holdings {
  readonly secrets: Secrets;
  readonly sshAgents: SshAgents;
  readonly devices: Devices;
  readonly log: BuildLog;
  /** The store is rid of what killed processes left. To be awaited before steps run, and before the store is closed. */
  readonly sweeping: Promise<unknown>;
  release(): Promise<void>;
}

/** `context` is the directory that is built, where it is one. */
export async function takeHoldings(
  workspace: Workspace,
  request: BuildRequest,
  context: string | undefined,
): Promise<Holdings> {
  const secrets = createSecrets(request.secrets ?? []);
  const sshAgents = createSshAgents(request.ssh ?? [], workspace.store);
  const devices = createDevices(request.allow ?? []);
  if (request.secrets?.length || request.ssh?.length) native.forbidCoreDumps();
  const log = await openBuildLog(workspace.store, request, context);
  const sweeping = workspace.sweep();
  // Its failure is seen where it is awaited, which may be later than it happens.
  sweeping.catch(() => {});
  return {
    secrets,
    sshAgents,
    devices,
    log,
    sweeping,
    async release() {
      await log.finish();
      secrets.dispose();
    },
  };
}
