import { type Pins, type UrlPin, urlName } from '../../lockfile/index.ts';
import type { Network } from '../../network.ts';
import { digestOf } from '../../oci/index.ts';
import type { HttpResponse } from '../../registry/transport.ts';
import { fileNameOf } from '../../remote-url/index.ts';
import type { Secrets } from '../../secrets/types.ts';
import type { Snapshotter } from '../../snapshot/snapshotter.ts';
import type { Claims } from '../../solver/types.ts';
import type { Store } from '../../store/index.ts';
import type { ResolvedSource, Source, SourceOptions } from '../types.ts';
import { findAuthorization } from './auth.ts';
import type { HttpClient } from './client.ts';
import { saveDownload } from './download.ts';
import { statusRefused } from './errors.ts';
import { digestFile, type FoundFile, type HttpFile, readHttpOp } from './file-op.ts';
import { conditionsFor, type HttpRecord, isSame, validatorsOf } from './validators.ts';

export interface HttpSourceDependencies {
  readonly client: HttpClient;
  readonly store: Pick<Store, 'table'>;
  readonly snapshotter: Pick<Snapshotter, 'prepare' | 'claim'>;
  readonly secrets: Pick<Secrets, 'read'>;
  readonly network: Network;
  /** Held while a file is looked at and downloaded: who waited asks whether the copy is still good. */
  readonly claims?: Pick<Claims, 'take'>;
  /** Of a lock file: files that are not looked at again. */
  readonly pins?: Pins | undefined;
}

/**
 * `https://…`: one file of the web as a tree. What it is must be known before anything is built on it, so it is downloaded when it is
 * resolved, unless the server says that the copy of an earlier build is still good; with a checksum nothing is asked before somebody needs
 * the file, and none of one that a lock file pins. Without a network the copy of an earlier build is taken as it is.
 */
export function createHttpSource(dependencies: HttpSourceDependencies): Source {
  const { store, snapshotter, network, pins } = dependencies;
  const records = store.table<HttpRecord>('http-files');
  const recall = async (key: string): Promise<HttpRecord | undefined> => {
    const record = records.get(key);
    return record !== undefined && (await snapshotter.claim(record.snapshot)) !== undefined ? record : undefined;
  };

  const download = async (
    file: HttpFile,
    known: HttpRecord | undefined,
    options: SourceOptions,
    pin?: UrlPin,
  ): Promise<HttpRecord> => {
    if (network.offline) {
      if (known === undefined) network.admit({ kind: 'url', name: urlName(file.text) });
      else {
        options.onLog?.(Buffer.from(`offline: ${urlName(file.text)} is taken as an earlier build found it\n`));
        return known;
      }
    }
    const authorization = await findAuthorization(file, dependencies.secrets);
    const request = {
      url: file.url,
      // What a server compresses on the way would have another length and another ETag.
      headers: { 'accept-encoding': 'identity', ...conditionsFor(known) },
      signal: options.signal,
      ...(authorization === undefined ? {} : { authorization }),
    };
    const receive = async (answer: HttpResponse): Promise<HttpRecord> => {
      if (known === undefined && answer.status === 304) throw statusRefused(answer.url, 304, false);
      if (known !== undefined && isSame(known, answer)) {
        answer.body.destroy();
        return known;
      }
      const saved = await saveDownload(snapshotter, file, answer, options, pin);
      return { ...saved, ...validatorsOf(answer.headers) };
    };
    return dependencies.client.get(request, receive);
  };

  /** The file that is locked, under the identity that it had when it was: nobody is asked while the store has it. */
  const takeLocked = (file: HttpFile, pin: UrlPin): ResolvedSource => {
    const { digest, lastModified } = pin;
    const name = file.filename ?? fileNameOf(file.text) ?? 'download';
    const found: FoundFile = { name, digest, ...(lastModified === undefined ? {} : { mtime: lastModified }) };
    const identity = digestFile(file, found);
    const isHere = async (): Promise<boolean> => (await snapshotter.claim(identity)) !== undefined;
    return {
      digest: identity,
      cacheable: true,
      isHere,
      async fetch(options) {
        if (!(await isHere())) await download({ ...file, filename: name }, undefined, options, pin);
        const key = keyOf(file);
        // For a build that is not locked, and has no network or asks whether the copy is good.
        if ((await recall(key)) === undefined) await records.put(key, { found, snapshot: identity, ...sizeOf(pin) });
        return { kind: 'snapshot', name: identity };
      },
      pin: { kind: 'url', name: urlName(file.text), pin },
    };
  };

  return {
    schemes: ['http', 'https'],
    async resolve(op, options) {
      const file = readHttpOp(op);
      const { checksum } = file;
      if (checksum !== undefined) {
        const wanted: FoundFile = { name: file.filename ?? fileNameOf(file.text) ?? 'download', digest: checksum };
        const identity = digestFile(file, wanted);
        const named = { ...file, filename: wanted.name };
        return {
          digest: identity,
          cacheable: true,
          isHere: async () => (await recall(identity)) !== undefined,
          async fetch(fetchOptions) {
            const record = (await recall(identity)) ?? (await download(named, undefined, fetchOptions));
            await records.put(identity, record);
            return { kind: 'snapshot', name: record.snapshot };
          },
        };
      }
      const locked = pins?.url(file.text);
      if (locked !== undefined) return takeLocked(file, locked);
      const key = keyOf(file);
      const claim = await dependencies.claims?.take(digestOf(`url ${key}`), options.signal, () => {});
      let record: HttpRecord;
      try {
        record = await download(file, await recall(key), options);
        const { name, digest } = record.found;
        // The second is what the same URL is looked for by when it is given a checksum.
        await Promise.all([key, digestFile(file, { name, digest })].map((each) => records.put(each, record)));
      } finally {
        claim?.release();
      }
      return {
        digest: digestFile(file, record.found),
        cacheable: true,
        fetch: async () => ({ kind: 'snapshot', name: record.snapshot }),
        pin: { kind: 'url', name: urlName(file.text), pin: toPin(record) },
      };
    },
  };
}

function toPin({ found, size, etag }: HttpRecord): UrlPin {
  return {
    digest: found.digest,
    ...(size === undefined ? {} : { size }),
    ...(etag === undefined ? {} : { etag }),
    ...(found.mtime === undefined ? {} : { lastModified: found.mtime }),
  };
}

function sizeOf({ size, etag }: UrlPin): Pick<HttpRecord, 'size' | 'etag'> {
  return { ...(size === undefined ? {} : { size }), ...(etag === undefined ? {} : { etag }) };
}

/** What is asked of a server, whatever it answers. */
function keyOf({ text, filename, mode, uid, gid }: HttpFile): string {
  return digestOf(JSON.stringify([text, filename, mode, uid, gid]));
}
