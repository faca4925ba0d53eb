#!/bin/sh
# Everything that must hold: the checks of check.sh, then the tests. Both always run; one failure fails the run.
#
#   sh scripts/test.sh [--quick] [vitest's arguments]      such as: packages/core, or -t 'name of a test'
#
# --quick runs no checks, and of the tests those that neither kill nor mount nor take long (vitest.config.ts).
#
# What is skipped is listed with its reason; the last line reads "N passed, N failed, N skipped".
set -eu
cd "$(dirname "$0")/.."
if [ "${1-}" = --quick ]; then
  quick=yes
  shift
  set -- --mode quick "$@"
  sh scripts/setup.sh
else
  quick=no
  sh scripts/setup.sh --tests
fi
. scripts/setup/path.sh
export PATH="$tools_path"

status=0
[ $quick = yes ] || sh scripts/check.sh || status=1

summary=$(mktemp "${TMPDIR:-/tmp}/spica-summary.XXXXXX")
trap 'rm -f "$summary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
SPICA_TEST_BUNDLE=yes SPICA_TEST_SUMMARY=$summary vitest run "$@" || status=1

[ -s "$summary" ] || printf 'vitest ended before it could count\n0 passed, 1 failed, 0 skipped\n' >"$summary"
cat "$summary"
exit $status
