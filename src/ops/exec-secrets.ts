import type { ExecMount, ExecOp } from '../llb/ops.ts';
import type { ProcessMount, SecretVariable } from '../runtime/executor.ts';
import { createMasker, type SshSocket } from '../secrets/index.ts';
import { secretMissing } from './errors.ts';
import type { OpDependencies } from './types.ts';

type SecretMount = Extract<ExecMount, { readonly type: 'secret' }>;
type SshMount = Extract<ExecMount, { readonly type: 'ssh' }>;
type OutputSink = (stream: 1 | 2, chunk: Uint8Array) => void;

/** The secrets and agents of one exec op while it runs. */
export class ExecSecrets {
  readonly #op: ExecOp;
  readonly #deps: Pick<OpDependencies, 'secrets' | 'sshAgents'>;
  readonly #sockets: SshSocket[] = [];
  readonly #mounts: ProcessMount[] = [];
  readonly #env: SecretVariable[] = [];

  constructor(op: ExecOp, deps: Pick<OpDependencies, 'secrets' | 'sshAgents'>) {
    this.#op = op;
    this.#deps = deps;
  }

  get mounts(): readonly ProcessMount[] {
    return this.#mounts;
  }

  get env(): readonly SecretVariable[] {
    return this.#env;
  }

  /** Reads what the op asks for. On a failure the caller still calls `release`. */
  async prepare(): Promise<void> {
    for (const mount of this.#op.mounts) {
      if (mount.type === 'secret') await this.#addSecret(mount);
      if (mount.type === 'ssh') await this.#addSocket(mount);
    }
  }

  async release(): Promise<void> {
    await Promise.allSettled(this.#sockets.map((socket) => socket.close()));
  }

  /** A sink before `sink` that passes no value on, and what is to be called at the end of the output. */
  maskOutput(sink: OutputSink): { readonly push: OutputSink; end(): void } {
    const values = [...this.#deps.secrets.values];
    const maskers = { 1: createMasker(values), 2: createMasker(values) };
    const pass = (stream: 1 | 2, chunk: Uint8Array): void => {
      if (chunk.length > 0) sink(stream, chunk);
    };
    return {
      push: (stream, chunk) => pass(stream, maskers[stream]?.push(chunk) ?? chunk),
      end() {
        for (const stream of [1, 2] as const) pass(stream, maskers[stream]?.end() ?? NOTHING);
      },
    };
  }

  async #addSecret({ id, target, env, required, mode, uid, gid }: SecretMount): Promise<void> {
    const content = await this.#deps.secrets.read(id);
    if (content === undefined && required) throw secretMissing(id);
    // As in BuildKit: a variable without a value is set all the same, a file is not there.
    if (env !== undefined) this.#env.push({ name: env, value: content ?? NOTHING });
    if (target !== undefined && content !== undefined)
      this.#mounts.push({ type: 'secret', target, content, mode, uid, gid });
  }

  async #addSocket({ id, target, required, mode, uid, gid }: SshMount): Promise<void> {
    if (!required && !this.#deps.sshAgents.has(id)) return;
    const socket = await this.#deps.sshAgents.open(id, { mode, uid, gid });
    this.#sockets.push(socket);
    this.#mounts.push({ type: 'socket', target, path: socket.path });
  }
}

const NOTHING = Buffer.alloc(0);
