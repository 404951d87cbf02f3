import type { BuildRequest } from '../build-types.ts';
import { looksSecret } from '../dockerfile/lint/rules/secrets.ts';
import { redactUrl } from '../remote-url/index.ts';
import { MASK, type ValueHider } from './secret-values.ts';
import type { BuildRecord } from './types.ts';

/** What of a request is kept: of secrets and agents the ids, of build arguments and labels that look like secrets the names. */
export function describeRequest(
  request: BuildRequest,
  hider: ValueHider,
): Pick<BuildRecord, 'tags' | 'buildArgs' | 'labels' | 'options'> & Partial<Pick<BuildRecord, 'target'>> {
  const { target, tags = [], buildArgs = {}, labels = {} } = request;
  return {
    tags,
    buildArgs: hideValues(buildArgs, hider),
    labels: hideValues(labels, hider),
    options: describeOptions(request),
    ...(target === undefined ? {} : { target }),
  };
}

function hideValues(values: Readonly<Record<string, string>>, hider: ValueHider): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, looksSecret(name) ? MASK : hider.mask(value)]),
  );
}

function describeOptions(request: BuildRequest): BuildRecord['options'] {
  const {
    noCache,
    noCacheFilter,
    pull,
    offline,
    locked,
    lockFile,
    push,
    squash,
    network,
    secrets,
    ssh,
    allow,
    extraHosts,
    outputs,
    buildContexts,
  } = request;
  const options: [string, boolean | string | readonly string[] | undefined][] = [
    ['no-cache', noCache],
    ['no-cache-filter', noCacheFilter],
    ['pull', pull],
    ['offline', offline],
    ['locked', locked],
    ['lock-file', lockFile],
    ['push', push],
    ['squash', squash],
    ['network', network],
    ['secret', secrets?.map(({ id }) => id)],
    ['ssh', ssh?.map(({ id }) => id)],
    ['allow', allow],
    ['add-host', extraHosts?.map(({ host, ip }) => `${host}=${ip}`)],
    ['output', outputs?.map(({ type }) => type)],
    ['build-context', Object.entries(buildContexts ?? {}).map(([name, value]) => `${name}=${redactUrl(value)}`)],
  ];
  return Object.fromEntries(
    options.filter(
      (entry): entry is [string, boolean | string | readonly string[]] =>
        entry[1] !== undefined && entry[1] !== false && !(Array.isArray(entry[1]) && entry[1].length === 0),
    ),
  );
}
