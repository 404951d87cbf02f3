const NO_BUILDERS = 'there are no builders: each command works by itself';
const NO_CONTAINERS = "tsbuild runs no containers: 'tsbuild push' or 'tsbuild save' brings an image to what runs it";
const NO_DAEMONS =
  "there are no daemons to choose from; 'tsbuild context ls' lists what a build would see of its context";
const NO_MANIFESTS = "'tsbuild pull' gets an image from a registry, and 'tsbuild inspect' shows it";
const CREDENTIALS = "credentials are docker's: log in with docker, podman or skopeo, or write them to config.json";
const ONE_TARGET = "'tsbuild build' builds one target";
const STATE = "'tsbuild version' shows versions, 'tsbuild system df' what the store takes";

const entries = (names: readonly string[], hint: string): [string, string][] => names.map((name) => [name, hint]);

/** Commands of docker that are called otherwise here, or have nothing to work on: what to do instead. */
export const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ...entries(
    ['attach', 'commit', 'compose', 'container', 'cp', 'create', 'exec', 'kill', 'network', 'ps', 'run', 'start'],
    NO_CONTAINERS,
  ),
  ...entries(['stats', 'stop', 'swarm', 'volume', 'wait'], NO_CONTAINERS),
  ...entries(['context create', 'context inspect', 'context rm', 'context show', 'context use'], NO_DAEMONS),
  ...entries(['buildx imagetools', 'imagetools', 'manifest'], NO_MANIFESTS),
  ...entries(['login', 'logout'], CREDENTIALS),
  ...entries(['bake', 'buildx bake'], ONE_TARGET),
  ...entries(['info', 'system info'], STATE),
  ...entries(
    ['create', 'inspect', 'ls', 'rm', 'stop', 'use'].map((verb) => `buildx ${verb}`),
    NO_BUILDERS,
  ),
  ['builds import', "records are of this store's own builds: 'tsbuild builds export' writes an archive that tar reads"],
  [
    'builds open',
    "there is no Docker Desktop to open it in: 'tsbuild builds inspect' shows it, 'tsbuild builds trace' writes a trace",
  ],
  ['events', 'a build tells what it does while it runs: --progress rawjson'],
  ['system events', 'a build tells what it does while it runs: --progress rawjson'],
  ['export', "'tsbuild build -o DIR' writes the files of a build, 'tsbuild save' an image"],
  ['import', "'tsbuild load' reads archives of images; the tar of a file system is FROM scratch and ADD"],
  ['logs', "'tsbuild builds logs' prints the log of a build"],
  ['rm', "'tsbuild rmi' removes images, 'tsbuild builds rm' records of builds; there are no containers"],
  ['search', "registries have no common way to search: 'tsbuild pull' takes the name of an image"],
]);
