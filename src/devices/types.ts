import type { DeviceRequest } from '../llb/ops.ts';
import type { ProcessDevice, ProcessMount } from '../runtime/executor.ts';

/** The devices that steps of one build may have: those of the machine's CDI specifications that the build was allowed. */
export interface Devices {
  /**
   * Whether a step may have what it asks for; said before any step runs, as BuildKit does. Throws `ENTITLEMENT_MISSING`,
   * `DEVICE_MISSING`.
   */
  check(wanted: readonly DeviceRequest[]): Promise<void>;
  /** What the container of a step gets. Throws the same, and `DEVICE_UNUSABLE`. */
  prepare(wanted: readonly DeviceRequest[]): Promise<PreparedDevices>;
}

export interface PreparedDevices {
  /** `NAME=value`; over what the process has by that name. */
  readonly env: readonly string[];
  readonly nodes: readonly ProcessDevice[];
  readonly mounts: readonly ProcessMount[];
  /** Supplementary groups of the process. */
  readonly groups: readonly number[];
}

/** One file: the devices of a kind (`vendor.com/class`). */
export interface DeviceSpec {
  readonly path: string;
  readonly kind: string;
  readonly annotations: ReadonlyMap<string, string>;
  /** Made once for a step that has at least one of the devices. */
  readonly edits: ContainerEdits;
  readonly devices: readonly SpecDevice[];
}

export interface SpecDevice {
  readonly name: string;
  readonly annotations: ReadonlyMap<string, string>;
  readonly edits: ContainerEdits;
}

export interface ContainerEdits {
  readonly env: readonly string[];
  readonly nodes: readonly NodeEdit[];
  readonly mounts: readonly MountEdit[];
  readonly groups: readonly number[];
  /** Names of fields that ask for what is not possible here. */
  readonly unsupported: readonly string[];
}

/** What is absent is taken from the host's node. */
export interface NodeEdit {
  readonly path: string;
  /** Absent: the same path. */
  readonly hostPath?: string;
  readonly type?: NodeType;
  readonly major: number;
  readonly minor: number;
  readonly mode?: number;
  readonly permissions: string;
  readonly uid?: number;
  readonly gid?: number;
}

export type NodeType = 'b' | 'c' | 'u' | 'p';

export interface MountEdit {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly type: string;
  readonly options: readonly string[];
}
