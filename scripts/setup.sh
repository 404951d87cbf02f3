#!/bin/sh
# Makes a checkout ready to run: system packages, node_modules, the native addon, the compiled sources, the bundle.
# Every step is skipped when its outputs are newer than its inputs, so running it again costs a fraction of a second.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

# One setup at a time for a checkout: `npm test` and `npm run demo` may start together.
if command -v flock >/dev/null 2>&1; then
  exec 9<package.json
  flock 9
fi

say() { printf 'setup: %s\n' "$*" >&2; }

# --- system packages ---------------------------------------------------------------------------------------------

has() { command -v "$1" >/dev/null 2>&1; }

# Prints the packages (Debian's names) that are missing of those that compiling needs.
missing_for_compiling() {
  has g++ || echo g++
  has make || echo make
  has python3 || echo python3
  [ -e /usr/include/libdeflate.h ] || echo libdeflate-dev
  [ -e /usr/include/zstd.h ] || echo libzstd-dev
  [ -e /usr/include/lzma.h ] || echo liblzma-dev
  [ -e /usr/include/bzlib.h ] || echo libbz2-dev
  [ -e /usr/include/lmdb.h ] || echo liblmdb-dev
}

# The same for the tests, the demo and the benchmarks: bases are made of busybox and debootstrap, results are judged by
# other people's tools.
missing_for_testing() {
  has busybox || echo busybox-static
  has debootstrap || echo debootstrap
  has skopeo || echo skopeo
  has umoci || echo umoci
  has docker-registry || echo docker-registry
  has buildah || echo buildah
  { has docker && has dockerd; } || echo docker.io
  has runc || echo runc
  has newuidmap || echo uidmap
  has qemu-aarch64-static || echo qemu-user-static
  has openssl || echo openssl
  has git || echo git
  has ssh-agent || echo openssh-client
  has sshd || echo openssh-server
}

as_line() { tr '\n' ' ' | sed 's/ $//'; }

# Packages such as docker.io start a daemon when they are installed. The policy file is Debian's way to say no; one
# that the machine already has is left alone.
apt_install() {
  policy=/usr/sbin/policy-rc.d
  made_policy=
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
    made_policy=1
  fi
  status=0
  {
    DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"
  } >&2 9<&- || status=$?
  [ -z "$made_policy" ] || rm -f $policy
  return $status
}

compile_needs=$(missing_for_compiling | as_line)
test_needs=$(missing_for_testing | as_line)
if [ -n "$compile_needs$test_needs" ] && [ "$(id -u)" = 0 ] && has apt-get; then
  say "installing $compile_needs $test_needs"
  trap 'rm -f ${made_policy:+$policy}' INT TERM EXIT
  # shellcheck disable=SC2086 # a list of words
  apt_install $compile_needs $test_needs || say "apt-get did not succeed"
  trap - INT TERM EXIT
  compile_needs=$(missing_for_compiling | as_line)
  test_needs=$(missing_for_testing | as_line)
fi
if [ -n "$compile_needs" ]; then
  say "cannot compile without: $compile_needs"
  say "run: sudo apt-get update && sudo apt-get install --no-install-recommends -y $compile_needs $test_needs"
  exit 1
fi
if [ -n "$test_needs" ]; then
  say "note: tests and benchmarks that need these will be skipped: $test_needs"
  say "to have them: sudo apt-get update && sudo apt-get install --no-install-recommends -y $test_needs"
fi

# --- node ----------------------------------------------------------------------------------------------------------

if ! has node || ! has npm; then
  say "Node.js 20.19 or newer with npm is needed"
  exit 1
fi
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "installing the npm packages"
  npm ci --include=dev --no-audit --no-fund >&2
  touch node_modules/.package-lock.json
fi

# True when the stamp is missing or any of the inputs is newer. A folder's own time tells of files that are gone.
stale() {
  stamp=$1
  shift
  [ ! -e "$stamp" ] || [ -n "$(find "$@" -newer "$stamp" -print -quit 2>/dev/null)" ]
}

# A stamp carries the time at which its step began, so that an edit made while the step ran is not missed.
started=$(mktemp)
trap 'rm -f "$started"' EXIT

# --- native addon ---------------------------------------------------------------------------------------------------

if stale native/build/.stamp native package-lock.json -path native/build -prune -o; then
  say "compiling the native addon"
  touch "$started"
  # The headers of the node that runs, where its package brought them; node-gyp finds or fetches them otherwise.
  node_prefix=$(node -p 'require("node:path").resolve(process.execPath, "../..")')
  nodedir=
  [ ! -e "$node_prefix/include/node/node.h" ] || nodedir=--nodedir=$node_prefix
  if ! node_modules/.bin/node-gyp configure build -C native -j max $nodedir >native-build.log 2>&1; then
    cat native-build.log >&2
    say "the native addon did not compile"
    exit 1
  fi
  rm -f native-build.log
  touch -r "$started" native/build/.stamp
fi

# --- TypeScript -----------------------------------------------------------------------------------------------------

if stale out/.stamp src test bench tsconfig.json package-lock.json; then
  say "compiling the sources"
  touch "$started"
  if ! node_modules/.bin/tsc -p tsconfig.json >&2; then
    say "the sources did not compile"
    exit 1
  fi
  # A source that is gone must not live on as a test or a module of its old output.
  find out -name '*.js' | while IFS= read -r file; do
    source=${file#out/}
    [ -e "${source%.js}.ts" ] || rm -f "$file" "$file.map" "${file%.js}.d.ts"
  done
  touch -r "$started" out/.stamp
fi

# --- bundle ---------------------------------------------------------------------------------------------------------

if stale dist/.stamp src scripts/bundle.mjs package.json package-lock.json; then
  say "bundling"
  node scripts/bundle.mjs
fi
