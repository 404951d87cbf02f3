import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The build argument by which a Dockerfile of the bench finds its base. */
const HEAD = 'ARG REGISTRY\nFROM $REGISTRY/busybox:1\n';

/** Twenty small steps of the kinds that Dockerfiles are made of. */
export function writeTwentySteps(context: string): void {
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}${writeSteps(context, 0)}`);
}

/**
 * Stages of twenty small steps each, one of which is copied from all others: no image has so many layers that a builder could not
 * make it. All steps, those of the copies but not counted: `20 * stages`.
 */
export function writeStages(context: string, stages: number): void {
  mkdirSync(context, { recursive: true });
  const others = Array.from({ length: stages - 1 }, (_, i) => i + 1);
  const texts = others.map((i) => `FROM $REGISTRY/busybox:1 AS stage${i}\n${writeSteps(context, i)}`);
  const copies = others.map((i) => `COPY --from=stage${i} /run${i}-0 /from/\n`);
  const last = `FROM $REGISTRY/busybox:1\n${writeSteps(context, 0)}${copies.join('')}`;
  writeFileSync(join(context, 'Dockerfile'), `ARG REGISTRY\n${texts.join('')}${last}`);
}

function writeSteps(context: string, stage: number): string {
  const steps: string[] = [];
  for (let i = 0; i < 5; i++) {
    const name = `${stage}-${i}`;
    writeFileSync(join(context, `file${name}`), `${name}\n`);
    steps.push(
      `RUN echo ${name} >/run${name}`,
      `COPY file${name} /copied/`,
      `ENV KEY${i}=${name}`,
      `WORKDIR /work${name}`,
    );
  }
  return `${steps.join('\n')}\n`;
}

/** `count` RUN steps, all of which depend on the build argument `NONCE`: another value, and nothing is cached. */
export function writeRuns(context: string, count: number): void {
  mkdirSync(context, { recursive: true });
  const steps = Array.from({ length: count }, (_, i) => `RUN echo ${i} >/out\n`);
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}ARG NONCE\n${steps.join('')}`);
}

/** A context of `count` files of `bytes` in all, half of it text and half not compressible, copied in one step. */
export function writeManyFiles(context: string, count: number, bytes: number): void {
  const size = Math.floor(bytes / count);
  // A fixed sequence: each run of the bench has the same files.
  let state = 0x2545f491;
  const random = Buffer.alloc(1 << 20);
  for (let i = 0; i < random.length; i += 4) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    random.writeUInt32LE(state, i);
  }
  const text = Buffer.from('All the world is a stage, and all the files in it merely copies. '.repeat(1 << 14));
  for (let i = 0; i < count; i++) {
    const folder = join(context, 'files', `d${Math.floor(i / 1000)}`, `s${Math.floor(i / 100) % 10}`);
    if (i % 100 === 0) mkdirSync(folder, { recursive: true });
    const source = i % 2 === 0 ? random : text;
    const start = (i * 8191) % (source.length - size - 16);
    writeFileSync(join(folder, `f${i}`), Buffer.concat([Buffer.from(`${i}\n`), source.subarray(start, start + size)]));
  }
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}COPY files /files\n`);
}

/** 100,000 files of 100 bytes; each of ten steps copies a tenth of them. */
export function writeHugeContext(context: string): void {
  writeManyFiles(context, 100_000, 10_000_000);
  const steps = Array.from({ length: 10 }, (_, i) => `COPY files/d${i} files/d${i}? /files${i}/\n`);
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}${steps.join('')}`);
}

/** A step that prints so many bytes in lines of 80; it depends on the build argument `NONCE`. */
export function writeTalkative(context: string, bytes: number): void {
  mkdirSync(context, { recursive: true });
  const line = 'x'.repeat(79);
  writeFileSync(join(context, 'Dockerfile'), `${HEAD}ARG NONCE\nRUN yes ${line} | head -c ${bytes}\n`);
}

/** Changes one file of `writeManyFiles`, to another content each time. */
export function changeOneFile(context: string, run: number): void {
  writeFileSync(join(context, 'files/d0/s0/f7'), `changed ${run} ${Date.now()}\n`);
}

/** A Dockerfile that is the base and nothing more: building it leaves the base in the store. */
export function writeBaseOnly(context: string): void {
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), HEAD);
}

/** One step on the image of `writeManyFiles`: whoever builds it has to unpack that. */
export function writeRunOnLargeBase(context: string): void {
  mkdirSync(context, { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), 'ARG REGISTRY\nFROM $REGISTRY/files:1\nRUN true\n');
}
