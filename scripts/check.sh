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

step types tsc -p .
step 'types of the page' tsc -p packages/web
step 'lint and format' biome check --error-on-warnings --diagnostic-level=warn .
step 'unused code' knip --no-config-hints
[ -z "$failed" ] || {
  echo "check: failed: ${failed#, }" >&2
  exit 1
}
echo 'check: types, lint, format and unused code are fine'
