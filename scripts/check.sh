#!/bin/sh
# Types, lint and format, unused exports, files and dependencies. Runs them all, then fails if one did.
set -eu
cd "$(dirname "$0")/.."
sh scripts/setup.sh
. scripts/setup/path.sh
PATH=$tools_path

failed=
step() {
  name=$1
  shift
  "$@" || failed="$failed, $name"
}

# With one checker, which takes a core, beside the others. Several each work out anew the types that they share: the four
# that are the default take 2.6 times the processor time, and no less time on two cores.
tsc -p . --checkers 1 &
types=$!
trap 'kill $types || true; exit 130' INT # a job beside others does not hear it
step 'types of the page' tsc -p packages/web
step 'lint and format' biome check --error-on-warnings --diagnostic-level=warn .
step 'unused code' knip --no-config-hints
wait $types || failed="$failed, types"
[ -z "$failed" ] || {
  echo "check: failed: ${failed#, }" >&2
  exit 1
}
echo 'check: types, lint, format and unused code are fine'
