#!/bin/sh
# Starts tsbuild. Node's own start is most of what a cached build costs, so this decides how node starts and then
# becomes it (exec): signals and exit codes are node's own.
self=$0
while [ -L "$self" ]; do
  link=$(readlink "$self")
  case $link in
    /*) self=$link ;;
    *) self=${self%/*}/$link ;;
  esac
done
case $self in
  */*) here=${self%/*} ;;
  *) here=. ;;
esac

# Node parses this bundle of certificates at every start (about 100 ms). The TLS code reads it when it first connects.
if [ -n "${NODE_EXTRA_CA_CERTS-}" ]; then
  TSBUILD_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS
  export TSBUILD_EXTRA_CA_CERTS
  unset NODE_EXTRA_CA_CERTS
fi

if ! command -v node >/dev/null 2>&1; then
  echo 'tsbuild: node was not found in PATH; tsbuild needs Node.js 20.19 or newer' >&2
  exit 127
fi
exec node "$here/command/start.cjs" "$@"
